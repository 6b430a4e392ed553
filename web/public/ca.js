/* The certificate page: asks the https door until it is trusted. Plain old JavaScript, as old browsers read it. */
(function () {
  var note = document.getElementById('ready')
  if (!note || !window.fetch) return
  function ask() {
    fetch(note.getAttribute('data-probe'), { mode: 'no-cors', cache: 'no-store' }).then(
      function () {
        note.textContent = note.getAttribute('data-yes')
        note.className = 'note yes'
      },
      function () { setTimeout(ask, 3000) },
    )
  }
  ask()
})()
