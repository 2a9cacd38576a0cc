package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/usercode"
)

// giveBackTimeout bounds sending messages back: a transport that does not answer
// may not keep a process from its end.
const giveBackTimeout = 5 * time.Second

// retire closes the inboxes, all of them before anything is given back: what is
// sent to a channel must not come to this shift again.
func (s *shift) retire() {
	var unread []DeadLetter
	for _, inbox := range s.inboxes {
		for _, message := range inbox.Retire() {
			unread = append(unread, DeadLetter{Channel: inbox.Name(), Message: message})
		}
	}
	close(s.retired)
	s.giveBack(unread...)
}

// giveBack sends messages back to their channels, for another worker.
func (s *shift) giveBack(letters ...DeadLetter) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), giveBackTimeout)
	defer cancel()
	for _, letter := range letters {
		err := usercode.Apart(func() error { // an inbox may call functions of its owner
			return s.layer.Send(ctx, letter.Channel, letter.Message)
		})
		if err == nil {
			s.count.returned.Add(1)
			continue
		}
		why := parley.ErrDraining
		if letter.Err != nil {
			why = fmt.Errorf("%w: %w", why, letter.Err)
		}
		letter.Err = fmt.Errorf("worker: stopped, and nobody takes the message: %w: %w", err, why)
		s.bury(letter)
	}
}
