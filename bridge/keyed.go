package bridge

import "context"

// keyed aims calls at the lane of a key, looked up anew at each call.
type keyed struct {
	place
	key any
}

// Keyed returns a context whose calls run on the lane of key: the same key means the same OS thread, for as long as
// the lane is alive. The lane ends after Options.KeyIdle without work, or earlier if Options.MaxLanes are alive and
// others need a thread; the next call then makes a new one. The Options.Lane hooks run with each.
//
// Keyed panics if ctx is nil or key is not comparable.
func Keyed(ctx context.Context, key any) context.Context {
	mustContext(ctx)
	_ = map[any]struct{}{}[key] // panics here rather than in a call, where the mutex is held
	p := placeOf(ctx)
	k := &keyed{place: place{Context: ctx, bridge: p.owner(), job: p.job}, key: key}
	k.target = k
	return k
}

func (k *keyed) lane() (*Lane, error) {
	b := k.bridge
	l := b.keyed[k.key]
	if l != nil {
		return l, nil
	}
	if b.keyed == nil {
		b.keyed = map[any]*Lane{}
	}
	l = b.newLane(b.opts.Lane)
	l.keyed, l.key = true, k.key
	b.keyed[k.key] = l
	return l, nil
}

// evictIdle ends the keyed lane that rests longest, so that another lane can have its thread.
func (b *Bridge) evictIdle() {
	var oldest *Lane
	for _, l := range b.keyed {
		idle := l.state == laneAlive && l.blocked && len(l.stack) == 0 && l.queue.jobs.head == nil
		if idle && (oldest == nil || l.used < oldest.used) {
			oldest = l
		}
	}
	if oldest != nil {
		oldest.close()
	}
}
