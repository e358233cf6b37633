// Runs before the first paint: the chosen theme, or the system's; and the time zone, for the server's dates.
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
const kept = () => {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null; // storage is closed: follow the system
  }
};
const apply = () => root.setAttribute("data-bs-theme", kept() ?? (dark.matches ? "dark" : "light"));
apply();
dark.addEventListener("change", apply);
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
// Subscribers' pages (which robots must not list) set no cookie.
if (zone && !document.querySelector("meta[name=robots]")) document.cookie = `tz=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax`;
