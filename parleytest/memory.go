package parleytest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/parleygo/parley"
)

// Memory is the Wire of this package's own drivers.
func Memory() LifespanWire { return memory{} }

type memory struct{}

func (memory) Features() Features { return Features{Debug: true, Drain: true} }

func (memory) HTTP(t testing.TB, app parley.App, script HTTPScript) HTTPSeen {
	request := script.request()
	x := (*Exchange)(nil)
	if slices.ContainsFunc(script.Steps, Step.uploads) {
		x = Upload(t, app, request)
	} else {
		x = Start(t, app, request)
	}
	for _, step := range script.Steps {
		switch step.Do {
		case ActSendBody:
			x.Send(step.Data)
		case ActEndBody:
			x.End()
		case ActAwait:
			x.Read()
		case ActVanish:
			x.Vanish()
		}
	}
	got := x.Response()
	return HTTPSeen{
		Hints: slices.Concat(got.Hints...), Status: got.Status, Header: got.Header, Body: got.Body,
		Trailer: got.Trailer, Truncated: got.Truncated,
	}
}

func (s Step) uploads() bool { return s.Do == ActSendBody || s.Do == ActEndBody }

// request makes the request of the script, without its body.
func (s HTTPScript) request() *http.Request {
	target, proto := s.Target, s.Proto
	if target == "" {
		target = "/"
	}
	if proto == "" {
		proto = "HTTP/1.1"
	}
	r := httptest.NewRequest(s.Method, target, nil)
	r.Proto = proto
	r.ProtoMajor, r.ProtoMinor, _ = http.ParseHTTPVersion(proto)
	for name, values := range s.Header {
		r.Header[name] = values
	}
	return r
}

func (memory) WebSocket(t testing.TB, app parley.App, script SocketScript) SocketSeen {
	handshake := HTTPScript{Method: script.Method, Proto: script.Proto, Header: script.Header}
	s := Dial(t, app, handshake.request(), script.Subprotocols...)
	awaited := 0
	for _, step := range script.Steps {
		if step.Do == ActAwait {
			awaited++
			s.await("waiting for a message",
				func() bool { return len(s.messages) >= awaited || s.closed != nil })
			continue
		}
		s.act(step)
	}
	var got SocketSeen
	got.Code, got.Reason = s.Closed()
	s.wait()
	got.Messages = s.messages
	if s.accept == nil {
		denial := s.denial.response(nil, nil)
		got.Status, got.Header, got.Body, got.Truncated =
			denial.Status, denial.Header, denial.Body, denial.Truncated
		return got
	}
	got.Status, got.Header = http.StatusSwitchingProtocols, s.accept.Header
	got.Subprotocol = s.accept.Subprotocol
	return got
}

// act takes a step, if the socket still lets it.
func (s *Socket) act(step Step) {
	if step.Do == ActVanish {
		s.Vanish()
		return
	}
	if !s.Accepted() {
		return
	}
	if step.Do == ActDrain {
		s.Fail(parley.ErrDraining)
		return
	}
	s.state.Update(func() {
		switch {
		case s.closed != nil:
		case step.Do == ActSendText:
			s.deliver(parley.TextMessage, []byte(step.Data))
		case step.Do == ActSendBinary:
			s.deliver(parley.BinaryMessage, []byte(step.Data))
		case step.Do == ActClose:
			s.goodbye(step.Code, step.Data)
		}
	})
}

func (memory) Lifespan(t testing.TB, app parley.App) (startup, shutdown error) {
	p := Run(t, app)
	startup = p.Startup()
	return startup, p.Shutdown()
}
