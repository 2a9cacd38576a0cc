package fallback

import "github.com/parleygo/parley"

// attachment is one request's hold on a session. Another request takes it over.
type attachment struct{ taken bool }

// attach makes this request the one that receives. What was handed out up to
// cursor has arrived. ok is false if something after it is not there any more.
func (s *session) attach(cursor uint64) (a *attachment, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ok = s.out.seek(cursor)
	if s.out.unconfirmed() >= s.app.options.WriteTimeout {
		s.slow()
	}
	if !ok && !s.dropped {
		return nil, false
	}
	if s.attached != nil {
		s.attached.taken = true
	}
	a = new(attachment)
	s.attached = a
	s.lease.Stop()
	s.wake()
	return a, true
}

// detach begins the lease, unless another request has taken over.
func (s *session) detach(a *attachment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release(a)
}

func (s *session) release(a *attachment) {
	if s.attached == a {
		s.attached = nil
		s.lease.Reset(s.app.options.Lease)
	}
}

func (s *session) isHeldBy(a *attachment) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attached == a
}

// expire ends a session whose client has not come back.
func (s *session) expire() {
	s.mu.Lock()
	away := s.attached == nil
	if away {
		if s.gone == nil {
			s.app.counters.lost.Add(1)
		}
		s.lost()
		s.wake()
	}
	s.mu.Unlock()
	if away {
		s.app.sessions.unlist(s)
	}
}

// slow ends the session of a client that does not read. Its messages go: it would
// not get them. The caller holds mu.
func (s *session) slow() {
	if s.gone == nil {
		s.app.counters.slow.Add(1)
		how := parley.WebSocketDisconnect{
			Code: parley.CloseTryAgainLater, Cause: parley.ErrSlowConsumer,
		}
		s.finish(how, &goodbye{Code: how.Code})
		s.wake()
	}
	s.out.clear()
	s.dropped = true
	s.weigh()
}
