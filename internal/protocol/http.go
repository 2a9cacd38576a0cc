package protocol

import "github.com/parleygo/parley"

// HTTPState is where an HTTP response stands.
type HTTPState uint8

const (
	HTTPIdle          HTTPState = iota // nothing sent
	HTTPStarted                        // head sent, body under way
	HTTPAwaitTrailers                  // body sent, trailers announced
	HTTPComplete                       // all sent
)

func (s HTTPState) String() string {
	return [...]string{"idle", "started", "awaiting trailers", "complete"}[s]
}

// HTTP is the order of one response. The zero value is its beginning for a
// request whose method is not HEAD.
type HTTP struct {
	Head bool // the request's method is HEAD: no body goes out

	// Handler has every status pass that net/http takes: the answer is that of an
	// http.Handler.
	Handler bool

	state    HTTPState
	trailers bool
	bodiless bool  // HEAD, 204 or 304
	sized    bool  // a Content-Length was given
	length   int64 // that length
	sent     int64 // body bytes so far
	cut      bool  // the body does not have the length announced
	debugged bool
}

// State returns where the response stands.
func (h *HTTP) State() HTTPState { return h.state }

// Bodiless tells that the response started may not carry a body.
func (h *HTTP) Bodiless() bool { return h.bodiless }

// Sized returns the Content-Length that was announced.
func (h *HTTP) Sized() (length int64, ok bool) { return h.length, h.sized }

func (h *HTTP) refuse(event parley.Event, rule *Rule) error {
	return rule.refuse(h.state.String(), event)
}

// Start checks the head of a response and moves on to its body.
func (h *HTTP) Start(event parley.HTTPResponseStart) error {
	if err := h.MayStart(event, event.Status); err != nil {
		return err
	}
	var check HeaderCheck
	check.all(event.Header)
	return h.StartWith(event, event.Status, event.Trailers, &check)
}

// MayStart checks whether a head may come now. It and StartWith are Start for who goes
// through the header by itself. event is named where it is refused.
//
//parley:noescape
func (h *HTTP) MayStart(event parley.Event, status int) error {
	switch {
	case h.state == HTTPComplete:
		return h.refuse(event, &afterComplete)
	case h.state != HTTPIdle:
		return h.refuse(event, &startTwice)
	case !h.allowed(status):
		return h.refuse(event, &statusOutOfRange)
	}
	return nil
}

// StartWith moves on to the body behind a head that may come, with these fields.
//
//parley:noescape
func (h *HTTP) StartWith(event parley.Event, status int, trailers bool, check *HeaderCheck) error {
	if check.invalid {
		return h.refuse(event, &invalidHeader)
	}
	length, sized, ok := check.contentLength()
	if !ok {
		return h.refuse(event, &badLength)
	}
	h.length, h.sized = length, sized
	h.bodiless = h.Head || status < 200 || status == 204 || status == 304
	h.trailers = trailers
	h.state = HTTPStarted
	return nil
}

//parley:inline
func (h *HTTP) allowed(status int) bool {
	if h.Handler {
		return status >= 101 && status <= 999
	}
	return status >= 200 && status <= 599
}

// Body checks a part of size bytes and tells how many of them may go out. With
// ErrLongBody those allowed still go out, then the connection is cut; with
// ErrShortBody the body has ended too early and the connection is cut.
//
//parley:noescape
func (h *HTTP) Body(event parley.Event, size int64, more bool) (allowed int64, err error) {
	switch {
	case h.state == HTTPIdle:
		return 0, h.refuse(event, &bodyBeforeStart)
	case h.state != HTTPStarted:
		return 0, h.refuse(event, &afterComplete)
	}
	allowed = size
	if h.bodiless {
		allowed = 0
	} else if h.sized && h.sent+size > h.length {
		allowed = h.length - h.sent
		h.sent = h.length
		err := h.refuse(event, &longBody)
		h.state, h.cut = HTTPComplete, true
		return allowed, err
	}
	h.sent += allowed
	if more {
		return allowed, nil
	}
	return allowed, h.end(event)
}

//parley:noescape
func (h *HTTP) end(event parley.Event) error {
	if h.sized && !h.bodiless && h.sent < h.length {
		err := h.refuse(event, &shortBody)
		h.state, h.cut = HTTPComplete, true
		return err
	}
	h.state = HTTPComplete
	if h.trailers {
		h.state = HTTPAwaitTrailers
	}
	return nil
}

// Trailers checks trailers.
func (h *HTTP) Trailers(event parley.HTTPResponseTrailers) error {
	switch {
	case h.state == HTTPComplete:
		return h.refuse(event, &afterComplete)
	case h.state != HTTPAwaitTrailers:
		return h.refuse(event, &strayTrailers)
	case !ValidHeader(event.Header):
		return h.refuse(event, &invalidHeader)
	}
	if !event.More {
		h.state = HTTPComplete
	}
	return nil
}

// EarlyHint checks a 103 answer: only before the head, which Go's server cannot
// hold back any longer once it was given.
func (h *HTTP) EarlyHint(event parley.HTTPResponseEarlyHint) error {
	if h.state != HTTPIdle {
		return h.refuse(event, &lateHint)
	}
	for _, link := range event.Links {
		if !validValue(link) {
			return h.refuse(event, &invalidHeader)
		}
	}
	return nil
}

// Debug checks debug information: once, before the head.
func (h *HTTP) Debug(event parley.HTTPResponseDebug) error {
	if h.state != HTTPIdle || h.debugged {
		return h.refuse(event, &strayDebug)
	}
	h.debugged = true
	return nil
}

// Unknown refuses an event that is none of HTTP's.
func (h *HTTP) Unknown(event parley.Event) error {
	return h.refuse(event, &unknownEvent)
}

// Unavailable refuses an event whose extension the server did not announce.
func (h *HTTP) Unavailable(event parley.Event) error {
	return h.refuse(event, &unavailable)
}

// HTTPEnding is what an adapter does when the app has returned.
type HTTPEnding uint8

const (
	HTTPDone  HTTPEnding = iota // the answer is complete
	HTTPError                   // nothing was sent: answer with an error status
	HTTPAbort                   // the answer is cut in the middle: so is the connection
)

// Finish tells what to do when the app has returned.
//
//parley:inline
func (h *HTTP) Finish() HTTPEnding {
	switch h.state {
	case HTTPIdle:
		return HTTPError
	case HTTPComplete:
		if h.cut {
			return HTTPAbort
		}
		return HTTPDone
	}
	return HTTPAbort
}
