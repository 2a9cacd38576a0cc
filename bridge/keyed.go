package bridge

import (
	"context"
	"fmt"
	"reflect"
)

// keyed aims calls at the lane of a key, looked up anew at each call.
type keyed struct {
	position
	key any
}

// Keyed returns a context whose calls run on the lane of key: the same key means the same OS
// thread, for as long as the lane is alive. The lane ends after Options.KeyIdle without work, or as
// soon as it has none if Options.MaxLanes are alive and others need a thread; the next call then
// makes a new one. The Options.Lane hooks run with each.
//
// Keyed panics if ctx is nil or key is not comparable, or is not equal to itself, as a NaN.
func Keyed(ctx context.Context, key any) context.Context {
	mustContext(ctx)
	if key != nil && !reflect.ValueOf(key).Comparable() {
		panic(fmt.Sprintf("bridge: Keyed: a key of %T cannot be compared", key))
	}
	if same := key; key != same {
		panic(fmt.Sprintf("bridge: Keyed: %v is not equal to itself: it would be new each time", key))
	}
	p := positionOf(ctx)
	k := &keyed{position: position{Context: ctx, bridge: p.owner(), job: p.job}, key: key}
	k.target = k
	return k
}

func (k *keyed) lane() (*Lane, error) {
	b := k.bridge
	l := b.lanes.keyed[k.key]
	if l != nil {
		return l, nil
	}
	if b.lanes.keyed == nil {
		b.lanes.keyed = map[any]*Lane{}
	}
	l = b.newLane(b.opts.Lane)
	l.keyed, l.key = true, k.key
	b.lanes.keyed[k.key] = l
	return l, nil
}
