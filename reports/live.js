// Reloads the page when the server that it came from says that runs changed.
(function () {
  "use strict";
  if (!window.EventSource || !/^http/.test(location.protocol)) { return; }
  var seen = null, source = null;
  // A browser keeps six connections to one address: pages in the background give theirs back.
  function listen() {
    if (document.hidden) { if (source) { source.close(); source = null; } return; }
    if (source) { return; }
    source = new EventSource("/changes");
    source.addEventListener("message", function (event) {
      if (seen !== null && seen !== event.data) { location.reload(); }
      seen = event.data;
    });
  }
  document.addEventListener("visibilitychange", listen);
  listen();
})();
