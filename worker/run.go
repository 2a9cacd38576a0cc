package worker

import (
	"context"
	"sync"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/options"
)

// Run opens the channels and works until ctx ends, and then returns nil when all
// that runs has ended. It returns an error if a channel cannot be opened, or
// somebody else closes one; it may be called again then. A channel is open in one
// worker of a layer at a time.
func (w *Worker) Run(ctx context.Context) error {
	inside, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s := &shift{Worker: w, ctx: inside, retired: make(chan struct{})}
	var end func()
	s.working, end = w.graceful(inside)
	defer end()
	err := s.listen()
	if err == nil {
		w.listens.Do(func() { close(w.ready) })
		err = s.work(stop)
	} else {
		stop(err)
		s.retire()
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// shift is one Run.
type shift struct {
	*Worker
	ctx     context.Context // ends when nothing more is to be begun
	working context.Context // of the jobs, which ends a grace later
	inboxes []*channel.Inbox
	retired chan struct{} // closed when all inboxes are
}

func (s *shift) listen() error {
	if s.queue != nil {
		return nil // messages wait
	}
	for _, name := range s.names {
		inbox, err := s.layer.Open(s.ctx, channel.InboxOptions{
			Name: name, Policy: channel.Block, Capacity: s.options.Capacity,
		})
		if err != nil {
			return err
		}
		s.inboxes = append(s.inboxes, inbox)
	}
	return nil
}

// work returns when all is done, with the error of the inbox that was closed
// first.
func (s *shift) work(stop context.CancelCauseFunc) error {
	var busy sync.WaitGroup
	for range s.options.Concurrency {
		for _, inbox := range s.inboxes {
			busy.Go(func() { stop(s.deal(inbox)) })
		}
		if s.queue == nil {
			continue
		}
		for _, name := range s.names {
			busy.Go(func() { stop(s.draw(name)) })
		}
	}
	busy.Go(func() {
		<-s.ctx.Done()
		s.retire()
	})
	busy.Wait()
	return context.Cause(s.ctx)
}

// deal deals with messages of one channel, one after the other.
func (s *shift) deal(inbox *channel.Inbox) error {
	for {
		message, err := inbox.Receive(s.ctx)
		if err != nil {
			return err
		}
		s.try(DeadLetter{Channel: inbox.Name(), Message: message})
	}
}

// graceful returns a context that ends some time after ctx.
func (w *Worker) graceful(ctx context.Context) (working context.Context, end func()) {
	working, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if !options.Limited(w.options.Grace) {
			return
		}
		grace := time.NewTimer(w.options.Grace)
		defer grace.Stop()
		select {
		case <-grace.C:
		case <-working.Done():
		}
		cancel(parley.ErrDraining)
	})
	return working, func() { stop(); cancel(parley.ErrFinished) }
}
