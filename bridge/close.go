package bridge

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// A bridge goes through these phases once, in order.
const (
	phaseOpen    = iota
	phaseClosing // refuses root calls; runs what it accepted and what that needs
	phaseFinishing
	phaseClosed
)

// Close makes the bridge refuse calls with [ErrClosed], waits until those it accepted are done and
// all its goroutines and threads are gone, and returns nil. Calls made by functions that still run
// are accepted meanwhile, or those could never end. If ctx ends first, Close returns its cause, the
// shutdown goes on in the background, and a later Close waits for the rest. Contexts of running
// functions are not touched: cancel your own base context first.
//
// Close returns [ErrDeadlock] and does nothing if called from a function that runs on the bridge.
// It may be called repeatedly and from several goroutines.
func (b *Bridge) Close(ctx context.Context) error {
	return b.shut(ctx, func() {})
}

// Abort is [Bridge.Close], but calls that have not begun fail with [ErrClosed] at once.
func (b *Bridge) Abort(ctx context.Context) error {
	return b.shut(ctx, b.failAllWaiting)
}

func (b *Bridge) shut(ctx context.Context, before func()) error {
	mustContext(ctx)
	b.mustBeMade("Close")
	act := here(ctx)
	caller := positionOf(ctx).caller()
	b.mu.Lock()
	inside := caller.ancestor(func(j *job) bool { return j.liveIn(b) }) != nil
	if inside || (act != nil && act.lane.bridge == b) {
		b.unlock()
		return ErrDeadlock
	}
	if b.phase == phaseOpen {
		b.phase = phaseClosing
	}
	before()
	b.closeIfIdle()
	b.unlock()
	if !b.wait(ctx, &b.closed, ctx.Done()) {
		return endOf(ctx)
	}
	return nil
}

func (b *Bridge) failAllWaiting() {
	b.failQueue(&b.pool, ErrClosed)
	for j := b.granted.head; j != nil; j = b.granted.head {
		b.withdraw(j, ErrClosed)
	}
	for first := b.lanes.starved.Front(); first != nil; first = b.lanes.starved.Front() {
		first.Value.(*Lane).failWaiting(ErrClosed) // and so it starves no longer
	}
	for l := range b.lanes.alive {
		l.failWaiting(ErrClosed)
	}
	for l := range b.lanes.hosts {
		l.failWaiting(ErrClosed)
	}
}

// closeIfIdle begins the last phase once nothing runs or waits.
func (b *Bridge) closeIfIdle() {
	if b.phase == phaseClosing && b.live == 0 {
		b.phase = phaseFinishing
		b.afterwards(func() { go b.finish() })
	}
}

// finish ends the lanes and the engine.
func (b *Bridge) finish() {
	b.mu.Lock()
	ending := slices.Collect(maps.Keys(b.lanes.alive))
	for _, l := range ending {
		l.close()
	}
	b.unlock()
	for _, l := range ending {
		b.waitPlain(nil, &l.end, nil, nil)
	}
	if e, ok := b.engine.(*antsEngine); ok {
		if err := e.release(); err != nil {
			b.tell(fmt.Errorf("bridge: releasing the engine: %w", err))
		}
	}
	b.mu.Lock()
	b.phase = phaseClosed
	if b.slow != nil {
		b.slow.Stop()
		b.slow = nil
	}
	b.fire(&b.closed)
	b.unlock()
}
