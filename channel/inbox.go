package channel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/parleygo/parley/internal/feed"
)

// InboxOptions say how an inbox takes its messages. The zero value is a queue
// with a process-specific name and the layer's capacity that is closed when it
// falls behind.
type InboxOptions struct {
	// Name is the inbox's name: a general one, such as "thumbnails", or one made
	// by Layer.NewChannel. Default: a new process-specific name.
	Name Name

	// Prefix is the first part of a name that the layer makes. Default "inbox".
	Prefix string

	// Policy is for messages that find no room. Default CloseSlow.
	Policy Policy

	// Key gives a message's key for Coalesce; "" means that it is not replaced.
	// Default: the message's type. It is called on the sender's goroutine,
	// possibly several at once, and not for what the layer says of itself.
	Key func(Message) string

	// Capacity, where set, goes before the layer's rules; without it they hold.
	Capacity Capacity

	// Deliver makes the inbox a sink: it has no queue, and each message is
	// handed to Deliver on the sender's goroutine. Deliver must not block, and
	// it is called by several senders at once; the messages of one sender come
	// in order. Key is unused, Capacity bounds only what Resume holds back, and
	// Policy decides what Full means. A Deliver or Key that panics closes its inbox
	// with a *parley.PanicError and harms nobody else. One that calls
	// runtime.Goexit closes it with
	// parley.ErrGoexit, and ends the sender's goroutine when everybody else has
	// the message, which Go lets nobody stop: the log says whose it was. A sender
	// in another process, and a worker, do not notice.
	Deliver func(Message) Verdict

	// OnClose, if set, is called exactly once, when the inbox is closed by
	// whomever, with what Err returns. It runs without locks on the goroutine
	// that closed the inbox, which may be a sender's, and must not block. A panic
	// in it is logged. A Deliver that began before may still be running.
	OnClose func(err error)
}

// Inbox is an address with the messages sent to it. Its methods may be called
// from any goroutine, Receive too: each message goes to one of the receivers.
// An inbox stays open until it is closed, by Close, by Layer.Kick, by its
// policy, or with its layer.
type Inbox struct {
	layer *Layer
	shard *shard // of its name
	name  Name
	sink  sink // or nil
	*unread

	closed atomic.Bool // set under mu
	policy Policy

	listening bool       // Open has succeeded; guarded by mu, as what follows
	mu        sync.Mutex // never held while user code runs or anything waits
	err       error
	done      chan struct{} // closed when the inbox is; made by who waits
	groups    memberships
	resuming  map[Group]bool // those that only the Resume under way may join

	count [countEnqueued]atomic.Uint64
}

// unread is what there is of messages that wait for their receiver. A sink has none.
type unread struct {
	key     func(Message) string
	ready   chan struct{} // holds a token when messages may be waiting
	queue   queue
	owed    *owed       // nil if its reader has missed no notice
	waiters []*waiter   // senders that wait for room, oldest first
	closer  func(error) // OnClose
	counts  [countPublished - countEnqueued]atomic.Uint64
}

// Open opens an inbox. ctx bounds only the opening, which can wait for a
// transport; without one Open does not wait. The error is a *NameError,
// ErrTaken, ErrForeign, ErrClosed, or what the transport says; for a general
// name over a transport that has no QueueSubscribe it matches
// errors.ErrUnsupported.
func (l *Layer) Open(ctx context.Context, options InboxOptions) (inbox *Inbox, err error) {
	if err := l.admits(ctx); err != nil {
		return nil, err
	}
	in, err := l.newInbox(options, feed.From(ctx))
	if err != nil {
		return nil, err
	}
	if err := l.register(in); err != nil {
		return nil, err
	}
	defer func() {
		if inbox == nil { // also where the transport has ended this goroutine
			in.shut(err)
		}
	}()
	if err := l.listen(ctx, in.name); err != nil {
		return nil, fmt.Errorf("channel: open %s: %w", in.name, err)
	}
	if err := in.opened(); err != nil {
		l.unsubscribe(l.unlisten(in.name))
		return nil, err
	}
	return in, nil
}

// opened fails if the layer was closed meanwhile.
func (in *Inbox) opened() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err == nil {
		in.listening = true
	}
	return in.err
}

func (l *Layer) newInbox(options InboxOptions, member feed.Member) (*Inbox, error) {
	if options.Policy > Coalesce {
		panic(fmt.Sprintf("channel: InboxOptions.Policy: there is no policy %d", options.Policy))
	}
	name, err := l.inboxName(options)
	if err != nil {
		return nil, err
	}
	in := &Inbox{
		layer: l, shard: l.shardOf(string(name)), name: name,
		sink: sinkOf(options, member), policy: options.Policy,
	}
	if in.sink == nil {
		in.unread = newUnread(l.options.capacity(name, options.Capacity), options)
	}
	return in, nil
}

func newUnread(limit Capacity, options InboxOptions) *unread {
	u := &unread{
		ready: make(chan struct{}, 1), queue: queue{limit: limit}, closer: options.OnClose,
	}
	if options.Policy == Coalesce {
		u.key = options.Key
		if u.key == nil {
			u.key = Message.Type
		}
	}
	return u
}

func (l *Layer) inboxName(options InboxOptions) (Name, error) {
	if options.Name == "" {
		return l.NewChannel(options.Prefix)
	}
	if err := options.Name.check(); err != nil {
		return "", err
	}
	if _, local := options.Name.layerID(); local && !l.own(options.Name) {
		return "", fmt.Errorf("%w: %s", ErrForeign, options.Name)
	}
	return options.Name, nil
}

// Name returns the inbox's address.
func (in *Inbox) Name() Name { return in.name }

// Done is closed when the inbox is closed.
func (in *Inbox) Done() <-chan struct{} {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.done != nil:
	case in.err != nil:
		in.done = closedDone
	default:
		in.done = make(chan struct{})
	}
	return in.done
}

var closedDone = func() chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}()

// Err returns nil while the inbox is open. Afterwards it is ErrClosed, wrapping
// the cause if the inbox was not closed by its owner.
func (in *Inbox) Err() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.err
}

// Receive waits for the oldest message. It returns ctx's cause if ctx ends
// first, without losing a message, and Err as soon as the inbox is closed, even
// if messages are unread. For a sink the error matches errors.ErrUnsupported.
func (in *Inbox) Receive(ctx context.Context) (Message, error) {
	if in.sink != nil {
		return Message{}, fmt.Errorf("channel: receive from a sink: %w", errors.ErrUnsupported)
	}
	var done <-chan struct{}
	for {
		if ctx.Err() != nil {
			in.wake() // the token may have been another receiver's
			return Message{}, context.Cause(ctx)
		}
		if message, ok, err := in.take(); ok || err != nil {
			return message, err
		}
		if done == nil {
			done = in.Done()
		}
		select {
		case <-in.ready:
		case <-done:
		case <-ctx.Done():
		}
	}
}

// Close closes the inbox: it leaves its groups, unread messages are discarded,
// and Receive returns ErrClosed. Closing again does nothing.
func (in *Inbox) Close() { in.shut(ErrClosed) }

// shut closes the inbox once, and discards what is unread.
func (in *Inbox) shut(cause error) { in.end(cause, (*Inbox).discard) }

// end closes the inbox, whose queue empty empties; it holds mu meanwhile. The gauges
// are down when functions of users are called, each however those before it end.
func (in *Inbox) end(cause error, empty func(*Inbox) []Drop) {
	in.mu.Lock()
	if in.err != nil {
		in.mu.Unlock()
		return
	}
	in.err = closedBy(cause)
	in.closed.Store(true)
	groups := in.groups
	in.groups = memberships{}
	var lost []Drop
	if in.unread != nil {
		lost = empty(in)
		for _, w := range in.waiters {
			close(w.done) // not taken: the sender finds the inbox closed
		}
		in.waiters = nil
	}
	listening, err := in.listening, in.err
	if in.done != nil {
		close(in.done)
	}
	in.mu.Unlock()

	in.layer.unregister(in)
	subs := in.layer.leaveAll(groups)
	if listening {
		subs = append(subs, in.layer.unlisten(in.name)...)
	}
	if listening {
		defer in.closedWith(err)
	}
	defer in.layer.tell(lost)
	in.layer.unsubscribe(subs)
}
