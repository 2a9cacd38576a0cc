package fallback

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/parleygo/parley"
)

// receiver is a request that hands out what a session has for its client.
type receiver struct {
	session *session
	held    *attachment
	ctx     context.Context
	conn    parley.Conn
	ending  bool // ctx has ended, and what there is still goes out
}

// news is what there is for a client.
type news struct {
	list []parley.WebSocketSend
	over bool     // nothing follows in this answer
	said *goodbye // nor in any other
	cut  bool     // the app has cut the connection, as far as there is one
}

// await waits for what comes after cursor, or a tick, which brings none. The error
// is that of a client that is gone.
func (r *receiver) await(tick <-chan time.Time, cursor uint64) (n news, err error) {
	s := r.session
	look := func() bool {
		n = s.news(r.held, cursor)
		return n.over || len(n.list) > 0
	}
	if s.until(r.ctx, tick, look) == nil {
		return n, nil
	}
	if !r.ending {
		if gone := s.interrupted(r.ctx); gone != nil {
			return n, gone
		}
		r.ending = true
		s.update(func() { look() })
	}
	n.over = n.over || len(n.list) == 0
	return n, nil
}

func (s *session) news(held *attachment, cursor uint64) (n news) {
	if held.taken {
		return news{over: true}
	}
	if n.list = slices.Clone(s.out.after(cursor)); len(n.list) > 0 || s.gone == nil {
		return n
	}
	return news{over: true, said: s.said, cut: s.aborted}
}

// hand sends a part of the answer. What goes out in order must not be cut by the end
// of the request's context: the conn knows when its client is gone. A client that
// does not take it in time is slow; the request itself ends with its connection.
func (r *receiver) hand(event parley.Event) error {
	s, timeout := r.session, r.session.app.options.WriteTimeout
	stalled := time.AfterFunc(timeout, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.attached == r.held {
			s.slow()
			s.release(r.held)
		}
	})
	defer stalled.Stop()
	defer context.AfterFunc(r.ctx, func() {
		if s.isHeldBy(r.held) { // the app is told before the client has taken this
			_ = s.interrupted(r.ctx)
		}
	})()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), timeout)
	defer cancel()
	return r.conn.Send(ctx, event)
}

// finish sends the end of the answer. A client that has heard the last of its
// session has no need to come back.
func (r *receiver) finish(n news, event parley.HTTPResponseBody) error {
	if n.cut {
		r.session.app.sessions.unlist(r.session)
		panic(http.ErrAbortHandler) // as the app has it
	}
	err := r.hand(event)
	if err == nil && n.said != nil {
		r.session.app.sessions.unlist(r.session)
	}
	return err
}
