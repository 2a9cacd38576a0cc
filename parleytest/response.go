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

	Err  error  // what the app returned; a *parley.PanicError if it panicked
	Sent []Sent // what the app sent, and how it was answered
}

// reply is a Response under way.
type reply struct {
	Response
	body []byte
}

func (r *reply) write(part []byte) { r.body = append(r.body, part...) }

// fail makes it the answer that a server gives for an app that gave none.
func (r *reply) fail(status int, head bool) {
	r.Status = status
	r.Header = http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	if !head {
		r.write([]byte(http.StatusText(status) + "\n"))
	}
}

// response returns what became of the reply, and of the app.
func (r *reply) response(err error, sent []Sent) *Response {
	whole := r.Response
	whole.Body, whole.Err, whole.Sent = string(r.body), err, sent
	return &whole
}
