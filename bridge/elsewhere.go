package bridge

import (
	"context"

	"github.com/parleygo/parley"
)

// runElsewhere runs w, made with ctx by the job at work, on another goroutine and serves the lane
// until it has returned.
func (a *activation) runElsewhere(ctx context.Context, j *job, w work) {
	l := a.lane
	p := positionOf(ctx)
	j.position = position{Context: ctx, bridge: p.bridge, target: p.target, job: j}
	if j.bridge == nil {
		j.bridge = l.bridge
	}
	if j.target == nil && j.bridge == l.bridge {
		j.target = l
	}
	j.up, j.work, j.elsewhere = p.caller(), w, true
	if !a.above(j.up) {
		j.by = a.job
	}
	b := j.bridge
	b.mu.Lock()
	b.accept(j)
	b.begin(j)
	b.unlock()
	b.spawn(j.runAside)
	a.attend(j)
}

// attend serves until j is over. Even if a served job exits the goroutine it does not unwind before
// that, for j uses what the frames above own.
func (a *activation) attend(j *job) {
	b := a.lane.bridge
	served := false
	defer func() {
		if !served {
			a.hold(j)
		}
	}()
	a.awaitThat(awaited{aside: j}, j.bridge, &j.latch, nil, nil)
	b.mu.Lock()
	accepted := b.seq
	b.unlock()
	a.serve(awaited{}, func() bool {
		return a.inbox.head == nil || a.inbox.head.seq > accepted
	}, nil, nil)
	served = true
}

func (j *job) runAside() {
	b := j.bridge
	err := parley.ErrGoexit
	defer func() {
		b.mu.Lock()
		b.end(j, err)
		b.unlock()
	}()
	err = j.run()
}
