package nethttp

import (
	"io"
	"net/http"
	"strconv"
)

var ofAnotherBody = []string{
	"Content-Encoding", "Transfer-Encoding", "Trailer", "Etag", "Last-Modified"}

// answer writes a short plain response with nothing in it but its status.
func answer(w http.ResponseWriter, status int) {
	say(w, status, http.StatusText(status))
}

// say writes a short plain response that has a word for its reader.
func say(w http.ResponseWriter, status int, text string) {
	header := w.Header()
	for _, name := range ofAnotherBody {
		header.Del(name)
	}
	if status == http.StatusServiceUnavailable {
		header.Set("Retry-After", "5")
	}
	header.Set("Content-Length", strconv.Itoa(len(text)+1)) // so that a flush sends all of it
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	io.WriteString(w, text+"\n")
}
