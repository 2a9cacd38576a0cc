package channel_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/channeltest"
)

// losing is a transport whose lease is once said to have been lost, after which records
// cannot be entered at once.
type losing struct {
	*channeltest.FaultyTransport
	mu         sync.Mutex
	lost, fail bool
}

func (l *losing) lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost, l.fail = true, true
}

// was returns a note, and strikes it.
func (l *losing) was(note *bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := *note
	*note = false
	return was
}

func (l *losing) Renew(
	ctx context.Context, owner string, life time.Duration,
) (channel.LeaseState, error) {
	if l.was(&l.lost) {
		if err := l.FaultyTransport.Drop(ctx, owner); err != nil {
			return 0, err
		}
	}
	return l.FaultyTransport.Renew(ctx, owner, life)
}

func (l *losing) Enter(ctx context.Context, owner string, records []channel.Record) error {
	if l.was(&l.fail) {
		return errors.New("not now")
	}
	return l.FaultyTransport.Enter(ctx, owner, records)
}

// Who has lost the lease and cannot enter again at once tries it soon, and not only when
// the lease is renewed the next time: until then nobody sees who is there.
func TestEntersAgainSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		layers, _ := presenceCluster(t, &broker, 1)
		transport := &losing{
			FaultyTransport: channeltest.Faulty(broker.Connect(), 1, channeltest.Faults{})}
		layer := newLayer(t, channel.Options{Transport: transport})
		enterRoom(t, layer, "member")
		transport.lose()
		time.Sleep(13 * time.Second) // the lease is renewed after 10
		present, err := layers[0].Present(ctx, "room")
		if err != nil || len(present) != 1 {
			t.Errorf("%v are present, %v", present, err)
		}
	})
}
