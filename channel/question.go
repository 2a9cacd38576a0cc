package channel

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/parleygo/parley/internal/presence"
	"github.com/parleygo/parley/internal/usercode"
)

// question asks who is in a group, for all callers who came before it was put: ten
// thousand who come at once ask twice. None takes the answer to a question that was under
// way when it came, for that may be older than what the caller has done before.
type question struct {
	layer   *Layer
	group   Group
	ahead   *question // is put first, or has been for long
	callers int       // who still wait; guarded by questions.mu
	ctx     context.Context
	cancel  context.CancelFunc

	done    chan struct{} // closed when there is an answer: what follows
	members []Member
	err     error
	encode  sync.Once
	message Message
}

// questions are those that are not answered yet.
type questions struct {
	mu   sync.Mutex // never held while user code runs or anything waits
	next map[Group]*question
	put  map[Group]*question // the last that was put
}

// longAhead is how long a question waits for the one before it, whose callers may have
// all the time in the world.
const longAhead = time.Second

// ask returns the answer to a question that is put after this call has begun.
func (l *Layer) ask(ctx context.Context, group Group) (*question, error) {
	q := l.questions.join(ctx, l, group)
	defer l.questions.leave(q)
	select {
	case <-q.done:
		return q, q.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// join returns the group's next question, which this caller may be the first to have.
func (s *questions) join(ctx context.Context, l *Layer, group Group) *question {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.next[group]
	if q == nil {
		q = &question{layer: l, group: group, ahead: s.put[group], done: make(chan struct{})}
		q.ctx, q.cancel = context.WithCancel(context.WithoutCancel(ctx))
		if s.next == nil {
			s.next, s.put = make(map[Group]*question), make(map[Group]*question)
		}
		s.next[group] = q
		go usercode.Call(q.run, q.answered)
	}
	q.callers++
	return q
}

// leave has a question without callers not be put, or given up.
func (s *questions) leave(q *question) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.callers--; q.callers == 0 {
		s.close(q)
		q.cancel()
	}
}

// close lets nobody join a question any more. It is called with mu held.
func (s *questions) close(q *question) {
	if s.next[q.group] == q {
		delete(s.next, q.group)
	}
}

func (q *question) run() (err error) {
	if err := q.wait(); err != nil {
		return err
	}
	s := &q.layer.questions
	s.mu.Lock()
	s.close(q)
	s.put[q.group] = q
	s.mu.Unlock()
	q.members, err = q.layer.whoIsIn(q.ctx, q.group)
	return err
}

func (q *question) wait() error {
	ahead := q.ahead
	if q.ahead = nil; ahead == nil {
		return nil
	}
	long := time.NewTimer(longAhead)
	defer long.Stop()
	select {
	case <-ahead.done:
	case <-long.C:
	case <-q.ctx.Done():
	}
	return q.ctx.Err()
}

func (q *question) answered(err error) {
	s := &q.layer.questions
	s.mu.Lock()
	s.close(q)
	if s.put[q.group] == q {
		delete(s.put, q.group)
	}
	s.mu.Unlock()
	q.err = err
	close(q.done)
}

// whoIsIn asks the transport, or who knows in its place.
func (l *Layer) whoIsIn(ctx context.Context, group Group) ([]Member, error) {
	if l.wire == nil {
		return l.presence.known(group), nil
	}
	return l.presence.list(group, func() ([]presence.Stay, error) {
		return l.wire.present(ctx, group)
	})
}

// asMessage returns the answer as clients are told it, encoded once.
func (q *question) asMessage() Message {
	q.encode.Do(func() {
		payload, _ := json.Marshal(presentNotice{ // of what is JSON already
			TypePresent, q.group, append([]Member{}, q.members...)})
		q.message = NewMessage(TypePresent, payload)
	})
	return q.message
}

// asMembers returns the answer for one caller, who may change it.
func (q *question) asMembers() []Member { return slices.Clone(q.members) }

type presentNotice struct {
	Type    string   `json:"type"`
	Group   Group    `json:"group"`
	Members []Member `json:"members"`
}
