package channel

import (
	"context"
	"errors"
	"fmt"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/history"
)

// Resumed is what an inbox has missed.
type Resumed struct {
	// Messages that were missed, the oldest first. What comes to the inbox from then on
	// is what follows: nothing is missing between, and nothing comes twice.
	Messages []Message

	// Position is where the inbox is behind them.
	Position Position

	// Gap says why messages in front of Messages are missing, and is "" if none are.
	Gap GapReason
}

// Resume joins a kept group, see Options.History, behind a position that was that of a
// message before: what was sent since, in any process, comes first. The zero Position
// asks for all that is kept, Newest for nothing.
//
// first is called once, on this goroutine, with what was missed. Meanwhile live
// messages are held back, so that it can bring the missed ones to where they have to
// go before any other; it may wait, for as long as the inbox has room for what is held
// back: then the inbox's policy CloseSlow closes it, and any other has the inbox told
// of a gap. What first returns as an error ends the membership and is returned.
//
// A member that resumes leaves first, and until Resume returns every other Join or Resume
// of the group on this inbox fails. In a group that is not kept Resume joins before it
// calls first, and all that is behind a position is a gap. ctx bounds the wait for a
// transport; the error is that of Join, or what the log says.
func (in *Inbox) Resume(
	ctx context.Context, group Group, after Position, first func(Resumed) error,
) error {
	if err := group.check(); err != nil {
		return err
	}
	if err := in.reserve(group); err != nil {
		return err
	}
	defer in.giveBack(group)
	in.Leave(group)
	if !in.layer.Keeps(group) {
		return in.joinUnkept(ctx, group, after, first)
	}
	if err := in.layer.follow(ctx, group); err != nil {
		return fmt.Errorf("channel: resume %s: %w", group, err)
	}
	entered := false
	defer func() {
		if !entered {
			in.layer.unsubscribe(in.layer.unfollow(group))
		}
	}()
	r := &resumption{inbox: in, kept: in.layer.keptNow(group)}
	defer r.kept.forget(r)
	resumed, err := r.catchUp(ctx, after)
	if err != nil {
		return fmt.Errorf("channel: resume %s: %w", group, err)
	}
	if err := first(resumed); err != nil {
		return err
	}
	entered, err = r.enter()
	return err
}

var errResuming = errors.New("channel: a Resume of this group is under way")

// reserve keeps other calls from making the inbox a member.
func (in *Inbox) reserve(group Group) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.err != nil:
		return in.err
	case in.resuming[group]:
		return errResuming
	}
	if in.resuming == nil {
		in.resuming = make(map[Group]bool)
	}
	in.resuming[group] = true
	return nil
}

func (in *Inbox) giveBack(group Group) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if delete(in.resuming, group); len(in.resuming) == 0 {
		in.resuming = nil
	}
}

func (in *Inbox) joinUnkept(
	ctx context.Context, group Group, after Position, first func(Resumed) error,
) error {
	if err := in.join(ctx, group, true); err != nil {
		return err
	}
	var resumed Resumed
	if after != (Position{}) {
		resumed.Gap = GapNotKept
	}
	stays := false
	defer func() {
		if !stays {
			in.Leave(group)
		}
	}()
	err := first(resumed)
	stays = err == nil
	return err
}

// resumption is an inbox that is about to be a member. What is handed out meanwhile is
// held back for it.
type resumption struct {
	inbox *Inbox
	kept  *kept

	seq  uint64    // of the last step before; this and the rest is guarded by kept.mu
	held []Message // what was handed out since
	size int
	over bool // that was more than there is room for
}

// catchUp reads what is between a position and what is held back. If the log, or
// another process, is further than this layer's reader, that has to catch up first.
func (r *resumption) catchUp(ctx context.Context, after Position) (Resumed, error) {
	for {
		resumed := Resumed{Position: r.kept.hold(r)}
		if after == Newest {
			return resumed, nil
		}
		behind, err := r.read(ctx, after, &resumed)
		if err != nil || !behind {
			return resumed, err
		}
		if err := r.kept.reach(ctx); err != nil {
			return Resumed{}, err
		}
	}
}

// read collects what is behind a position, up to where the reader is. behind reports
// that the reader is not where it should be.
func (r *resumption) read(
	ctx context.Context, after Position, into *Resumed,
) (behind bool, err error) {
	at := into.Position
	var order history.Order[*keptMessage]
	order.Start(after.Epoch, after.Offset)
	for {
		epoch, from := order.Ask()
		past, err := r.kept.shelf.since(ctx, Position{epoch, from}, keptPage)
		if err != nil {
			return false, err
		}
		ahead := epoch == past.Epoch && from > at.Offset && from <= past.Last
		if past.Epoch != at.Epoch || past.Last < at.Offset || ahead {
			return true, nil
		}
		into.add(order.Fill(from, past), after == Position{})
		if _, last := order.At(); last >= at.Offset || !order.Missing() {
			return false, nil
		}
	}
}

// add takes steps up to the position. What is missing in front of everything does not
// matter to who asks for all there is.
func (r *Resumed) add(steps []history.Step[*keptMessage], all bool) {
	for _, s := range steps {
		switch {
		case s.Gap != history.NoGap:
			if len(r.Messages) > 0 || r.Gap == "" && !all {
				r.Messages, r.Gap = nil, GapReason(s.Gap)
			}
		case s.Entry.Offset > r.Position.Offset:
			return
		case s.Entry.Value != nil:
			r.Messages = append(r.Messages, s.Entry.Value.message)
		}
		if s.Entry.Offset == r.Position.Offset {
			return
		}
	}
}

// enter brings what was held back and makes the inbox a member.
func (r *resumption) enter() (entered bool, err error) {
	in := r.inbox
	for {
		held, entered, err := r.release()
		if err == parley.ErrSlowConsumer {
			in.shut(err)
			return false, in.Err()
		}
		if entered || err != nil {
			return entered, err
		}
		for _, message := range held {
			in.layer.tellInbox(in, message)
		}
	}
}

// release returns what is held back, and if that is nothing makes the inbox a member.
func (r *resumption) release() (held []Message, entered bool, err error) {
	in, k := r.inbox, r.kept
	in.mu.Lock()
	defer in.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case in.err != nil:
		return nil, false, in.err
	case r.over && in.policy == CloseSlow:
		return nil, false, parley.ErrSlowConsumer
	case r.over:
		r.over = false
		return []Message{gapNotice(k.group, GapSlow, k.out)}, false, nil
	case len(r.held) > 0:
		held, r.held, r.size = r.held, nil, 0
		return held, false, nil
	}
	m := in.layer.shardOf(string(k.group)).join(k.group, in)
	in.groups.add(k.group, k.joined(m, max(k.picked, r.seq)))
	k.leave(r)
	return nil, true, nil
}
