"""The shell of the web application: layout, navigation, error pages, health and built assets."""
