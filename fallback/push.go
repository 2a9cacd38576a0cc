package fallback

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/parleygo/parley"
)

var (
	errBusy   = errors.New("fallback: too many messages at once")
	errBehind = errors.New("fallback: the app is behind")
)

// maxPosts is how many requests of one session may bring messages at once: one, and
// those that wait for it.
const maxPosts = 16

// begin waits for a request's turn to bring a message. Those that wait have not been
// read.
func (s *session) begin(ctx context.Context) error {
	if s.posts.Add(1) > maxPosts {
		s.posts.Add(-1)
		return errBusy
	}
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-s.ctx.Done():
		s.posts.Add(-1)
		return parley.ErrClosed
	case <-ctx.Done():
		s.posts.Add(-1)
		return context.Cause(ctx)
	}
}

// done lets the next request have its turn.
func (s *session) done() {
	<-s.turn
	s.posts.Add(-1)
}

// push brings a message to the app, and waits for a while if that is behind.
func (s *session) push(ctx context.Context, message parley.WebSocketReceive) error {
	patience := time.NewTimer(s.app.options.PollTimeout)
	defer patience.Stop()
	err := errBehind
	waited := s.until(ctx, patience.C, func() bool {
		switch {
		case s.gone != nil:
			err = parley.ErrClosed
		case s.in.put(message, s.app.options.ReceiveBytes):
			err = nil
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
