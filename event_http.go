package parley

import (
	"net/http"
	"os"
)

// HTTPRequest is received: a part of the request body, already de-chunked. The
// first one arrives even when the body is empty. More tells that further parts
// follow.
type HTTPRequest struct {
	Body []byte
	More bool
}

// HTTPDisconnect is received when the client is gone or the response is
// complete. Cause tells which and is never nil.
type HTTPDisconnect struct {
	Cause error
}

// HTTPResponseStart is sent: status and headers. Status must be 200 to 599; 1xx
// answers are HTTPResponseEarlyHint's. Header belongs to the conn from Send on.
// Trailers announces HTTPResponseTrailers after the last body event. An
// adapter may hold the head until the first body event.
type HTTPResponseStart struct {
	Status   int
	Header   http.Header
	Trailers bool
}

// HTTPResponseBody is sent: a part of the response body. The part is flushed
// to the client before Send returns when More is set, unless Buffered allows
// the server to keep it in its buffer for a while. The event without More ends
// the body.
type HTTPResponseBody struct {
	Body     []byte
	More     bool
	Buffered bool
}

// HTTPResponseTrailers is sent after the last body event of a response whose
// start announced trailers. They reach the client only if it said
// "TE: trailers". More tells that further trailers follow.
type HTTPResponseTrailers struct {
	Header http.Header
	More   bool
}

// HTTPResponseEarlyHint is sent before HTTPResponseStart: a 103 answer with one
// Link header for each of Links. HTTP/1.0 clients do not get it.
type HTTPResponseEarlyHint struct {
	Links []string
}

// HTTPResponseZeroCopySend is sent instead of, or mixed with, body events: the
// contents of File, without a detour through the program's memory where the
// platform can (sendfile). Offset is where to start; zero means the file's
// current position. Count is how many bytes; zero means to the end. A file that
// has no end to seek, a directory and negative numbers are refused. The app
// closes the file, after Send returned.
type HTTPResponseZeroCopySend struct {
	File   *os.File
	Offset int64
	Count  int64
	More   bool
}

// HTTPResponsePathSend is sent once, instead of body events: the contents of
// the file Path inside Root. Path can't leave Root. The app sets Content-Type
// and, if it wants one, Content-Length itself.
type HTTPResponsePathSend struct {
	Root *os.Root
	Path string
}

// HTTPResponseDebug is sent before HTTPResponseStart, once, and reaches only a
// test driver that announced ExtensionDebug: facts about how the answer came
// about, such as the template that rendered it.
type HTTPResponseDebug struct {
	Info map[string]any
}

func (HTTPRequest) EventType() string              { return "http.request" }
func (HTTPDisconnect) EventType() string           { return "http.disconnect" }
func (HTTPResponseStart) EventType() string        { return "http.response.start" }
func (HTTPResponseBody) EventType() string         { return "http.response.body" }
func (HTTPResponseTrailers) EventType() string     { return "http.response.trailers" }
func (HTTPResponseEarlyHint) EventType() string    { return "http.response.early_hint" }
func (HTTPResponseZeroCopySend) EventType() string { return "http.response.zerocopysend" }
func (HTTPResponsePathSend) EventType() string     { return "http.response.pathsend" }
func (HTTPResponseDebug) EventType() string        { return "http.response.debug" }
