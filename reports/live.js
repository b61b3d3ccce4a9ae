// Reloads the page when the server that it came from says that runs changed.
(function () {
  "use strict";
  if (!window.EventSource || !/^http/.test(location.protocol)) { return; }
  var seen = null;
  new EventSource("/changes").addEventListener("message", function (event) {
    if (seen !== null && seen !== event.data) { location.reload(); }
    seen = event.data;
  });
})();
