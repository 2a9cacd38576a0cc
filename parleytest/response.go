package parleytest

import "net/http"

// Response is an answer as its client saw it, with the server's view beside
// it. Headers are those that the app gave: what a server adds of its own (Date,
// framing, a sniffed Content-Type) is not among them.
type Response struct {
	Status    int // 0: the connection ended without an answer
	Header    http.Header
	Body      string
	Trailer   http.Header
	Hints     [][]string     // the links of each 103 answer before this one
	Truncated bool           // the connection ended before the answer did
	Debug     map[string]any // of parley.HTTPResponseDebug

	Err  error  // what the app returned; a *PanicError if it panicked
	Sent []Sent // what the app sent, and how it was answered
}

// fail makes it the answer that a server gives for an app that gave none.
func (r *Response) fail(status int, head bool) {
	r.Status = status
	r.Header = http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	if !head {
		r.Body = http.StatusText(status) + "\n"
	}
}
