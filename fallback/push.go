package fallback

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/parleygo/parley"
)

var (
	errBusy     = errors.New("fallback: too many messages at once")
	errBehind   = errors.New("fallback: the app is behind")
	errHeard    = errors.New("fallback: the message was taken before")
	errNoMemory = errors.New("fallback: all sessions together hold too much")
	errEarly    = errors.New("fallback: a message before this one was not taken")
)

// maxPosts is how many requests of one session may bring messages at once: one, and
// those that wait for it.
const maxPosts = 16

// begin waits for a request's turn to bring a message. Those that wait have not been
// read, nor is one read that comes out of its turn: number tells, if it has one.
func (s *session) begin(ctx context.Context, number uint64) error {
	if s.posts.Add(1) > maxPosts {
		s.posts.Add(-1)
		return errBusy
	}
	select {
	case s.turn <- struct{}{}:
		err := s.expects(number)
		if err != nil {
			s.done()
		}
		return err
	case <-s.ctx.Done():
		s.posts.Add(-1)
		return cmp.Or(s.expects(number), parley.ErrClosed)
	case <-ctx.Done():
		s.posts.Add(-1)
		return context.Cause(ctx)
	}
}

// expects returns why a message is not to be taken that has a number. One that comes
// again, since its answer was lost, was taken, whatever has become of the session.
func (s *session) expects(number uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case number == 0 || number == s.heard+1:
		return nil
	case number <= s.heard:
		return errHeard
	}
	return errEarly
}

// done lets the next request have its turn.
func (s *session) done() {
	<-s.turn
	s.posts.Add(-1)
}

// push brings a message to the app, and waits for a while if that is behind.
func (s *session) push(
	ctx context.Context, message parley.WebSocketReceive, number uint64,
) error {
	patience := time.NewTimer(s.app.options.PollTimeout)
	defer patience.Stop()
	err := errBehind
	waited := s.until(ctx, patience.C, func() bool {
		switch {
		case s.gone != nil:
			err = parley.ErrClosed
		case s.in.put(message, s.app.options.ReceiveBytes):
			err = nil
			s.heard = max(s.heard, number)
			s.facts.messagesIn++
			s.facts.bytesIn += uint64(len(message.Data))
			s.wake()
		default:
			return false
		}
		return true
	})
	if waited != nil {
		return waited
	}
	return err
}

func parseCode(text string) (parley.CloseCode, bool) {
	code, err := strconv.ParseUint(text, 10, 16)
	return parley.CloseCode(code), err == nil
}
