package channel_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/worker"
)

// labour is jobs and what has become of them.
type labour struct {
	mu       sync.Mutex
	accepted []string
	tries    map[string]int
	done     map[string]int
	dead     map[string]int
	after    []string // what was begun again when the broker had heard that it was done
	heard    map[string]bool
}

// signed is a mortal transport that notes which jobs the broker says are done.
type signed struct {
	*mortal
	labour *labour
}

func (s signed) Done(ctx context.Context, subject string, job channel.Held) error {
	err := s.mortal.Done(ctx, subject, job)
	if parcel, ok := channel.OpenParcel(job.Payload); ok && err == nil {
		s.labour.mu.Lock()
		defer s.labour.mu.Unlock()
		s.labour.heard[string(parcel.Message.Payload())] = true
	}
	return err
}

var errFirst = errors.New("not the first time")

func (l *labour) do(ctx context.Context, job parley.ChannelReceive) error {
	text := string(job.Data)
	l.mu.Lock()
	l.tries[text]++
	first := l.tries[text] == 1
	if l.heard[text] {
		l.after = append(l.after, text)
	}
	l.mu.Unlock()
	length := 100 * time.Millisecond
	switch {
	case text == "rejected":
		return worker.ErrReject
	case text == "fails first" && first:
		return errFirst
	case text == "long":
		length = 25 * time.Second
	}
	select {
	case <-time.After(length):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done[text]++
	return nil
}

// works has a process work until the returned function is called.
func (l *labour) works(m *mortal) (stop func()) {
	queue := worker.NewQueue(signed{m, l}, worker.QueueOptions{})
	w := worker.NewDurable(queue, worker.Job(l.do), []channel.Name{"work"}, worker.Options{
		Hold: 10 * time.Second, Logger: slog.New(slog.DiscardHandler),
		DeadLetter: func(_ context.Context, letter worker.DeadLetter) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.dead[string(letter.Message.Payload())]++
		},
	})
	limit, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = w.Run(limit) }()
	return func() { cancel(); <-ended }
}

// toil is a sender and two workers, of which who meets a fate at a call.
func toil(t *testing.T, who, at int, f fate) (calls []int, faults []string) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		l := &labour{tries: map[string]int{}, done: map[string]int{}, dead: map[string]int{},
			heard: map[string]bool{}}
		var all []*mortal
		for i := range 3 {
			call := 0
			if i == who {
				call = at
			}
			all = append(all, connectMortal(&broker, call, f, func() {}))
		}
		sender := worker.NewQueue(all[0], worker.QueueOptions{})
		stops := l.works(all[1])
		defer l.works(all[2])()
		for _, text := range []string{"long", "one", "fails first", "rejected", "two", "three"} {
			limit, cancel := context.WithTimeout(ctx, 20*time.Second)
			if sender.Send(limit, "work", channel.NewMessage("job", []byte(text))) == nil {
				l.accepted = append(l.accepted, text)
			}
			cancel()
			time.Sleep(time.Second)
		}
		time.Sleep(5 * time.Second)
		stops() // the long one goes back
		defer l.works(all[1])()
		time.Sleep(3 * time.Minute)
		l.letters(broker.Connect().(channel.Jobs))
		if f.stops { // until it is over it does not know of what has happened meanwhile
			l.after = nil
		}
		faults = l.faults()
		for _, m := range all {
			calls = append(calls, m.spare())
			m.die()
		}
	})
	return calls, faults
}

// letters counts the dead letters that the broker keeps: who has laid one there may have
// died before it could tell.
func (l *labour) letters(jobs channel.Jobs) {
	const dead = "parley.job.work.dead"
	limit, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	held, _ := jobs.Take(limit, dead, 100, time.Minute)
	for _, job := range held {
		if parcel, ok := channel.OpenParcel(job.Payload); ok {
			l.dead[string(parcel.Message.Payload())]++
		}
	}
}

func (l *labour) faults() (faults []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, text := range l.after {
		faults = append(faults, text+" comes again when it is done")
	}
	for _, text := range l.accepted {
		ends := l.done
		if text == "rejected" {
			ends = l.dead
		}
		if ends[text] == 0 {
			faults = append(faults, fmt.Sprintf("%s is lost: %d tries, %v dead", text, l.tries[text],
				l.dead[text]))
		}
	}
	for text := range l.dead {
		if text != "rejected" {
			faults = append(faults, text+" is a dead letter")
		}
	}
	return faults
}

// Whatever happens at any call: a job that was accepted is done at least once, and none
// comes again when the broker has heard that it is done.
func TestNoJobIsLostAtAnyCall(t *testing.T) {
	calls, faults := toil(t, -1, 0, fate{})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for who, count := range calls {
		for at := range count {
			for _, f := range fates {
				if f.forgets {
					continue
				}
				_, faults := toil(t, who, at+1, f)
				for _, fault := range faults {
					t.Errorf("%d's call %d, %s: %s", who, at+1, f.name, fault)
				}
			}
		}
	}
}
