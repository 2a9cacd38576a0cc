package fallback

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/parleygo/parley"
)

// denial is a plain HTTP answer to the handshake, on its way from the app to the
// request that waits for it: a part at a time.
type denial struct {
	begun  bool
	single bool // it was sent in one event
	status int
	header http.Header
	part   []byte // not sent yet
	whole  bool   // part is the last
}

// deniedWith takes a denial in one event.
func (s *session) deniedWith(event parley.WebSocketDeny) {
	s.denied(denial{
		begun: true, single: true, whole: true,
		status: event.Status, header: event.Header.Clone(), part: slices.Clone(event.Body),
	})
}

// denied takes the last of a denial. The app's context lives on: it may still have
// work to do. The caller holds mu.
func (s *session) denied(d denial) {
	s.denial = d
	s.app.counters.denied.Add(1)
	if s.gone == nil {
		s.gone = &parley.WebSocketDisconnect{Code: parley.CloseAbnormal, Cause: parley.ErrClosed}
	}
}

// sendDenial takes a part of a denial when the one before is on its way.
func (s *session) sendDenial(ctx context.Context, event parley.WebSocketResponseBody) error {
	part := slices.Clone(event.Body)
	var err error
	waited := s.until(ctx, nil, func() bool {
		if s.denial.begun && len(s.denial.part) > 0 && s.gone == nil {
			return false
		}
		if err = s.order.ResponseBody(event); err != nil {
			return true
		}
		s.denial.part = part
		if !event.More {
			s.denial.whole = true
			s.denied(s.denial)
		}
		s.wake()
		return true
	})
	if waited != nil {
		return waited
	}
	return err
}

// deny answers the request that wanted to open the session.
func (s *session) deny(ctx context.Context, conn parley.Conn) error {
	s.mu.Lock()
	d := s.denial
	s.mu.Unlock()
	header := joined(d.header, nil)
	if header.Get("Cache-Control") == "" {
		header.Set("Cache-Control", "no-store") // no cache keeps the answer to a handshake
	}
	if d.single {
		return parley.Respond(ctx, conn, d.status, header, d.part)
	}
	defer s.abandon()
	err := conn.Send(ctx, parley.HTTPResponseStart{Status: d.status, Header: header})
	for whole := false; err == nil && !whole; {
		d, err = s.nextPart(ctx)
		whole = err == nil && d.whole
		// Of a denial that is cut the client gets what there is: its head, if no more.
		sent := conn.Send(ctx, parley.HTTPResponseBody{Body: d.part, More: !whole})
		err = cmp.Or(err, sent)
	}
	if err != nil {
		s.lose()
	}
	return err
}

// nextPart takes the next part of the denial that there is. An app that has not come
// to its end leaves the answer cut.
func (s *session) nextPart(ctx context.Context) (d denial, err error) {
	err = s.until(ctx, nil, func() bool {
		d = s.denial
		if len(d.part) == 0 && !d.whole && !s.over {
			return false
		}
		s.denial.part = nil
		s.wake()
		return true
	})
	if err == nil && len(d.part) == 0 && !d.whole {
		s.mu.Lock()
		s.awaited = false
		s.mu.Unlock()
		return d, s.failure(parley.ErrIncomplete)
	}
	return d, err
}

// joined adds headers to others.
func joined(header, more http.Header) http.Header {
	all := make(http.Header, len(header)+len(more)+3)
	for _, fields := range []http.Header{header, more} {
		for name, values := range fields {
			name = http.CanonicalHeaderKey(name)
			all[name] = append(all[name], values...)
		}
	}
	return all
}
