package nethttp

import "net/http"

// answer writes a short plain response with nothing in it but its status.
func answer(w http.ResponseWriter, status int) {
	header := w.Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "Etag", "Last-Modified"} {
		header.Del(name)
	}
	if status == http.StatusServiceUnavailable {
		header.Set("Retry-After", "5")
	}
	http.Error(w, http.StatusText(status), status)
}
