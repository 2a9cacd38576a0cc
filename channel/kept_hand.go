package channel

import (
	"time"

	"github.com/parleygo/parley/internal/history"
)

// handOut hands the steps to the members until there are none. If a Deliver takes the
// goroutine with it another one goes on.
func (k *kept) handOut() {
	done := false
	defer func() {
		if !done {
			go k.handOut()
		}
	}()
	for s, ok := k.next(); ok; s, ok = k.next() {
		k.hand(s)
	}
	done = true
}

// next returns the step whose turn it is. Who is resuming has it from here on.
func (k *kept) next() (keptStep, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.steps) == 0 {
		k.busy, k.steps = false, nil
		k.goOn() // what had no room may be missing
		return keptStep{}, false
	}
	s := k.steps[0]
	k.steps[0] = keptStep{}
	k.steps = k.steps[1:]
	k.picked, k.began = s.seq, time.Now()
	s.resuming = k.holdBack(s)
	return s, true
}

// hand gives a step to the members and to who is resuming.
func (k *kept) hand(s keptStep) {
	var result SendResult
	defer k.done(s, &result)
	message, except := k.message(s)
	if message.prepared == nil {
		k.layer.shardOf(string(k.group)).count.add(countBadEnvelopes, 1)
		return
	}
	if s.gap != history.NoGap {
		k.layer.gaps.Add(1)
	}
	k.layer.groupDeliver(k.group, message, audience{
		kept: k, seq: s.seq, except: except, resuming: s.resuming,
	}, &result)
}

// message returns what a step is to members, and the zero Message if it is nothing.
func (k *kept) message(s keptStep) (message Message, except Name) {
	switch {
	case s.gap != history.NoGap:
		return gapNotice(k.group, GapReason(s.gap), s.position), ""
	case s.sent == nil:
		return Message{}, ""
	}
	return s.sent.message, s.sent.except
}

// done is called when a step was handed out, however the goroutine goes on.
func (k *kept) done(s keptStep, result *SendResult) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.handed, k.out = s.seq, s.position
	if k.handed == k.seq {
		k.fresh = nil
	}
	if s.sent == nil || !s.sent.own {
		return
	}
	if w := k.waiting[s.position]; w != nil {
		delete(k.waiting, s.position)
		w.result = *result
		close(w.done)
	} else {
		k.keepOutcome(s.position, *result)
	}
}
