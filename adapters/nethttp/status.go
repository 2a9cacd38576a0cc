package nethttp

import (
	"io"
	"net/http"
	"strconv"
)

// ofAnotherBody is what middleware above may have said of the app's answer.
var ofAnotherBody = []string{
	"Content-Encoding", "Content-Disposition", "Content-Language", "Content-Range",
	"Transfer-Encoding", "Trailer", "Etag", "Last-Modified", "Expires"}

// answer writes a short plain response with nothing in it but its status. How long the
// app's own answer may be kept holds for no other.
func answer(w http.ResponseWriter, status int) {
	say(w, status, http.StatusText(status))
}

// say writes a short plain response that has a word for its reader.
func say(w http.ResponseWriter, status int, text string) {
	header := w.Header()
	if len(header["Cache-Control"])+len(header["Expires"]) > 0 {
		header.Set("Cache-Control", "no-store")
	}
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
