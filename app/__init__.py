"""The ground floor: everything a campaign, a permission or a report stands on."""
