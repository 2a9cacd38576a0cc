package fallback

import (
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// Beat has the session answer pings by itself (protocol.Heart).
func (s *session) Beat() { s.update(func() { s.beats = true }) }

// mayPing reports whether a request brings what is as long as a ping, which has no turn
// to wait for: that somebody is there holds however far the app is behind.
func (v *visit) mayPing() bool {
	v.session.mu.Lock()
	defer v.session.mu.Unlock()
	return v.session.beats && v.session.gone == nil && v.ask.message == 0 &&
		v.scope.Request.ContentLength == int64(len(protocol.Ping))
}

// beat answers a ping. Where there is no room for a message the answer to the request
// has to do.
func (v *visit) beat() error {
	v.session.update(func() {
		v.session.facts.messagesIn++
		v.session.facts.bytesIn += uint64(len(protocol.Ping))
		_ = v.session.offer(parley.WebSocketSend{Data: []byte(protocol.Pong)})
	})
	v.session.app.counters.received.Add(1)
	return v.answer(http.StatusNoContent)
}
