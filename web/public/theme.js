// Sets the colour scheme before the first paint, so that a dark page never flashes white.
(function () {
  var saved = null;
  try {
    saved = localStorage.getItem('chancery-theme');
  } catch (e) {
    saved = null;
  }
  var dark =
    saved === 'dark' || (saved !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();
