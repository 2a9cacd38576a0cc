package channelsredis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/redis/rueidis"

	"github.com/parleygo/parley/channel"
)

// base is what both transports have: the hosts, those who listen, and a channel of
// pub/sub on the first host for what is between layers alone.
type base struct {
	options Options
	wire    wire
	clients []rueidis.Client
	heard   listeners
	origin  atomic.Value // the id of the layer, a string, once it has published
	told    atomic.Value // a func([]string) that OnInterrupt has set
	closed  atomic.Bool
}

func newBase(o Options) (*base, error) {
	o = o.withDefaults()
	clients, err := o.dial()
	if err != nil {
		return nil, err
	}
	return &base{options: o, clients: clients,
		wire: wire{format: o.Format, keys: newKeys(o.Keys), max: o.MaxMessage}}, nil
}

// Foreign implements channel.Foreign.
func (b *base) Foreign() {}

// OnInterrupt has f called with the subjects of a host that was lost, when it is back.
// It is to be called once, before anything else.
func (b *base) OnInterrupt(f func(subjects []string)) { b.told.Store(f) }

// resumed tells what may have been missed while a host was lost: all that is said on it,
// and of the first one also what is between layers, whatever it is about.
func (b *base) resumed(host int, on func(address) []int) {
	b.tell(b.heard.subjects(func(a address) bool {
		return host == 0 || slices.Contains(on(a), host)
	}))
}

func (b *base) tell(subjects []string) {
	if f, ok := b.told.Load().(func([]string)); ok {
		f(subjects)
	}
}

// admits returns why a call cannot begin.
func (b *base) admits(ctx context.Context) error {
	if b.closed.Load() {
		return errClosed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// parcelOf reads what a layer publishes. It returns false for what is between layers.
func (b *base) parcelOf(subject string, payload []byte) (channel.Parcel, address, bool) {
	to := addressOf(subject)
	p, ok := channel.OpenParcel(payload)
	if !ok || to == (address{}) {
		return p, to, false
	}
	b.origin.Store(p.Origin)
	return p, to, true
}

// private is the topic for what is between layers.
func (b *base) private() topic { return topic{name: b.options.Prefix + "__parley"} }

var errForLayers = fmt.Errorf(
	"channelsredis: this is for layers, not for Channels: %w", errors.ErrUnsupported)

// whisper publishes what is between layers.
func (b *base) whisper(ctx context.Context, to address, subject string, payload []byte) error {
	if to.direct != "" && !layers(to.direct) {
		return errForLayers
	}
	first := b.clients[0]
	message := rueidis.BinaryString(append(append([]byte(subject), '\n'), payload...))
	publish := first.B().Publish().Channel(b.private().name).Message(message).Build()
	return first.Do(ctx, publish).Error()
}

// overhear delivers what whisper has published.
func (b *base) overhear(message string) {
	subject, payload, _ := strings.Cut(message, "\n")
	b.heard.tell(address{subject: subject}, []byte(payload))
}

// shut reports whether this is the first time.
func (b *base) shut() bool { return !b.closed.Swap(true) }

func (b *base) hangUp() {
	for _, client := range b.clients {
		client.Close()
	}
}
