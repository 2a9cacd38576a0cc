package channel_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

// slowToSay is a transport that answers who is in a group when it may, with what it knew
// when it was asked.
type slowToSay struct {
	channel.Transport
	channel.Leases
	asked  atomic.Int64
	answer func(ctx context.Context) error
}

func newSlowToSay() *slowToSay {
	transport := new(channel.Broker).Connect()
	return &slowToSay{Transport: transport, Leases: transport.(channel.Leases)}
}

func (s *slowToSay) Present(ctx context.Context, subject string) ([]channel.Record, error) {
	s.asked.Add(1)
	records, err := s.Leases.Present(ctx, subject)
	if s.answer != nil {
		err = errors.Join(err, s.answer(ctx))
	}
	return records, err
}

// gate lets through whoever it is opened for.
type gate chan struct{}

func (g gate) pass(ctx context.Context) error {
	select {
	case <-g:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// E21: ten thousand who ask at once are two questions.
func TestE21_CallersOfPresentShareAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, transport := make(gate), newSlowToSay()
		transport.answer = g.pass
		layer := newLayer(t, channel.Options{Transport: transport})
		enterRoom(t, layer, "me")
		var all sync.WaitGroup
		ask := func() {
			members, err := layer.Present(ctx, "room")
			if err != nil || len(members) != 1 {
				t.Errorf("%v, %v", members, err)
			} else {
				members[0].ID = "" // an answer is its caller's
			}
		}
		all.Go(ask)
		synctest.Wait()
		for range 9999 {
			all.Go(ask)
		}
		synctest.Wait()
		close(g)
		all.Wait()
		if asked := transport.asked.Load(); asked != 2 {
			t.Errorf("asked %d times", asked)
		}
	})
}

// Who has entered before it asks is in the answer, whatever question is under way.
func TestE21_AnAnswerIsNotOlderThanItsQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, transport := make(gate), newSlowToSay()
		transport.answer = g.pass
		layer := newLayer(t, channel.Options{Transport: transport})
		var all sync.WaitGroup
		counts := make([]int, 3)
		for i := range counts {
			enterRoom(t, layer, i)
			all.Go(func() {
				members, err := layer.Present(ctx, "room")
				if counts[i] = len(members); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		g <- struct{}{}
		g <- struct{}{}
		all.Wait()
		// Who came while it was under way is known here, and in the first answer, too.
		if !slices.Equal(counts, []int{3, 3, 3}) || transport.asked.Load() != 2 {
			t.Errorf("in the answers were %v, of %d questions", counts, transport.asked.Load())
		}
	})
}

// Each way in which a question can go wrong: it goes wrong for those who share it, and for
// nobody else.
func TestE21_QuestionsThatFail(t *testing.T) {
	for name, test := range map[string]struct {
		answer func(context.Context) error
		want   error
	}{
		"error":  {func(context.Context) error { return errBroken }, errBroken},
		"panic":  {func(context.Context) error { panic(errBroken) }, errBroken},
		"Goexit": {func(context.Context) error { runtime.Goexit(); return nil }, parley.ErrGoexit},
	} {
		t.Run(name, func(t *testing.T) {
			transport := newSlowToSay()
			layer := newLayer(t, channel.Options{Transport: transport})
			enterRoom(t, layer, "me")
			transport.answer = test.answer
			if _, err := layer.Present(ctx, "room"); !errors.Is(err, test.want) {
				t.Errorf("Present: %v", err)
			}
			if _, err := layer.PresentMessage(ctx, "room"); !errors.Is(err, test.want) {
				t.Errorf("PresentMessage: %v", err)
			}
			transport.answer = nil
			if members, err := layer.Present(ctx, "room"); err != nil || len(members) != 1 {
				t.Errorf("afterwards: %v, %v", members, err)
			}
		})
	}
}

var errBroken = errors.New("broken")

// A caller that gives up takes nothing from the others, and the last of them ends the
// question.
func TestE21_CallersOfPresentGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, transport := make(gate), newSlowToSay()
		transport.answer = g.pass
		layer := newLayer(t, channel.Options{Transport: transport})
		enterRoom(t, layer, "me")
		var all sync.WaitGroup
		ask := func(ctx context.Context, want error) {
			all.Go(func() {
				if _, err := layer.Present(ctx, "room"); !errors.Is(err, want) {
					t.Errorf("%v, want %v", err, want)
				}
			})
			synctest.Wait()
		}
		giveUp, cancel := context.WithCancelCause(ctx)
		ask(giveUp, errBroken) // put at once
		ask(giveUp, errBroken) // the first of those who share the next
		ask(ctx, nil)
		cancel(errBroken)
		synctest.Wait()
		g <- struct{}{}
		all.Wait()
		if asked := transport.asked.Load(); asked != 2 {
			t.Errorf("asked %d times", asked)
		}
		giveUp, cancel = context.WithCancelCause(ctx)
		early, cancelEarly := context.WithCancelCause(ctx)
		ask(giveUp, errBroken)
		ask(early, errBroken) // never put
		cancelEarly(errBroken)
		synctest.Wait()
		cancel(errBroken)
		all.Wait()
		close(g)
		ask(ctx, nil)
		all.Wait()
		if asked := transport.asked.Load(); asked != 4 {
			t.Errorf("asked %d times", asked)
		}
	})
}

// A question that is not answered holds nobody up for long.
func TestE21_AQuestionOvertakesOneThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, transport := make(gate), newSlowToSay()
		transport.answer = func(ctx context.Context) error {
			if transport.asked.Load() > 1 {
				return nil
			}
			return g.pass(ctx)
		}
		layer := newLayer(t, channel.Options{Transport: transport})
		enterRoom(t, layer, "me")
		var first sync.WaitGroup
		first.Go(func() {
			if _, err := layer.Present(ctx, "room"); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		began := time.Now()
		if _, err := layer.Present(ctx, "room"); err != nil || time.Since(began) > 2*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		close(g)
		first.Wait()
	})
}

// E21: clients who are told at once are told by one message.
func TestE21_PresentMessage(t *testing.T) {
	for name, layer := range map[string]*channel.Layer{
		"alone":           newLayer(t, channel.Options{}),
		"over transports": newLayer(t, channel.Options{Transport: newSlowToSay()}),
	} {
		message, err := layer.PresentMessage(ctx, "room")
		const nobody = `{"type":"presence.state","group":"room","members":[]}`
		if err != nil || string(message.Payload()) != nobody {
			t.Errorf("%s: %s, %v", name, message.Payload(), err)
		}
		in := open(t, layer, channel.InboxOptions{})
		member, err := in.Enter(ctx, "room", "me")
		if err != nil {
			t.Fatal(err)
		}
		message, err = layer.PresentMessage(ctx, "room")
		want := `{"type":"presence.state","group":"room","members":[{"member":"` + member.ID +
			`","show":"me"}]}`
		if err != nil || message.Type() != channel.TypePresent || string(message.Payload()) != want {
			t.Errorf("%s: %s, %v", name, message.Payload(), err)
		}
	}
}
