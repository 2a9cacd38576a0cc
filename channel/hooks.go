package channel

import (
	"log/slog"

	"github.com/parleygo/parley/internal/logged"
	"github.com/parleygo/parley/internal/usercode"
)

// What the layer owes to functions of its users: OnDrop, OnClose and the
// transport's. They are called last, when everything is accounted for and no lock
// is held, so that it makes no difference how they end.

// tell reports what was lost.
func (l *Layer) tell(lost []Drop) {
	if len(lost) == 0 { // which costs nothing
		return
	}
	each(len(lost), func(i int) { l.options.OnDrop(lost[i]) }, func(i int, err error) {
		l.fault("Options.OnDrop", lost[i].Name, err)
	})
}

// closedWith tells the owner of an inbox that it is closed.
func (in *Inbox) closedWith(cause error) {
	closer := in.closer()
	if closer == nil {
		return
	}
	usercode.Call(func() error { closer(cause); return nil }, func(err error) {
		if err != nil {
			in.layer.fault("InboxOptions.OnClose", in.name, err)
		}
	})
}

// unsubscribe ends subscriptions that nobody wants any more.
func (l *Layer) unsubscribe(subs []Subscription) {
	if len(subs) == 0 {
		return
	}
	// An error means that the transport has ended it already.
	each(len(subs), func(i int) { _ = subs[i].Unsubscribe() }, func(_ int, err error) {
		l.fault("Subscription.Unsubscribe", "", err)
	})
}

// fault logs how a function that has no other way to tell of it has ended.
func (l *Layer) fault(function string, name Name, err error) {
	about := []any{"function", function}
	if name != "" {
		about = append(about, "inbox", string(name))
	}
	logged.Line(l.options.logger(), slog.LevelError, "channel: function failed",
		logged.Failure(about, err)...)
}
