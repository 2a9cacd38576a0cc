package nethttp

import (
	"errors"
	"iter"
	"net/http"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/census"
)

// facts are what is kept of a conversation for who looks on. What is the client's is
// copied when the conversation begins: apps may change their request.
type facts struct {
	number uint64
	begun  int64 // in Unix nanoseconds
	path   string
	client string
	badge  census.Badge
}

// learn is called before others can see the conversation.
func (f *facts) learn(r *http.Request) {
	f.number, f.begun = census.Number(), time.Now().UnixNano()
	f.path, f.client = r.RequestURI, r.RemoteAddr
	if f.path == "" {
		f.path = r.URL.Path
	}
}

// noteRoute is called by who has the request: routers leave the pattern there.
func (f *facts) noteRoute(r *http.Request) {
	if r.Pattern != "" && !f.badge.HasRoute() {
		pattern := r.Pattern // on the heap, and only where there is one
		f.badge.SetRoute(&pattern)
	}
}

func (f *facts) describe(protocol parley.Protocol, major int) parley.Conversation {
	route, user := f.badge.Read()
	transport := "HTTP/1.1"
	if major > 1 {
		transport = "HTTP/2.0"
	}
	return parley.Conversation{
		ID: f.number, Protocol: protocol, Transport: transport, Route: route, User: user,
		Path: census.Path(f.path), Client: census.Clip(f.client), Begun: time.Unix(0, f.begun),
	}
}

func (c *webSocketConn) describe() parley.Conversation {
	seen := c.facts.describe(parley.WebSocket, c.scope.Request.ProtoMajor)
	if sock := c.open.Load(); sock != nil {
		now := sock.State()
		seen.Open, seen.Unread = true, now.Unread
		seen.Queued, seen.QueuedBytes = now.Queued, now.QueuedBytes
		seen.MessagesIn, seen.BytesIn = now.MessagesIn, now.BytesIn
		seen.MessagesOut, seen.BytesOut = now.MessagesOut, now.BytesOut
	}
	return seen
}

func (c *httpConn) describe() parley.Conversation {
	seen := c.facts.describe(parley.HTTP, c.r.ProtoMajor)
	seen.Open = true
	return seen
}

// Conversations returns the conversations that a drain waits for, as Stats.Live
// counts them: all WebSockets, and the HTTP conversations whose app waits for their
// end, such as streams and polls. Each is described as it is when it is reached;
// those that begin meanwhile may be missed. A look at one takes well below a
// microsecond, and nothing while nobody looks.
func (g *Gateway) Conversations() iter.Seq[parley.Conversation] {
	return func(yield func(parley.Conversation) bool) {
		for _, d := range g.live.all() {
			if !yield(d.describe()) {
				return
			}
		}
	}
}

// End ends one of the Conversations for cause, as an operator does: a socket is
// closed behind what waits to be sent to it, with the code that goes with cause
// (parley.CodeOf), a handshake is denied, the context of an HTTP app ends, and so do
// its writes a second later. parley.ErrKicked closes with 1008, which tells a client
// to stay away, parley.ErrDraining with 1012, which tells it to come back. End does
// not wait. It reports whether there was such a conversation.
func (g *Gateway) End(id uint64, cause error) bool {
	if cause == nil {
		panic("nethttp: End without a cause")
	}
	d := g.live.find(id)
	if d != nil {
		d.End(cause)
	}
	return d != nil
}

// Endings returns how the last conversations of those have ended, the youngest
// first, and no more than 64. HTTP conversations that ended by themselves are not
// among them.
func (g *Gateway) Endings() []parley.Ending { return g.endings.Latest() }

// remember keeps how a socket has ended.
func (c *webSocketConn) remember() {
	end := c.open.Load().Ended()
	c.gateway.endings.Add(parley.Ending{
		Conversation: c.describe(), Ended: time.Now(), Code: end.Code, Cause: end.Cause,
	})
}

// remember keeps how a conversation has ended that was listed, and not by itself.
func (c *httpConn) remember(cause error) {
	if c.ctx.armed.Load() == nil {
		return
	}
	code := parley.CodeOf(cause)
	if errors.Is(cause, parley.ErrDisconnected) {
		code = parley.CloseAbnormal
	}
	c.gateway.endings.Add(parley.Ending{
		Conversation: c.describe(), Ended: time.Now(), Code: code, Cause: cause,
	})
}
