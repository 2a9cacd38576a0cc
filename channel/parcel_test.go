package channel

import (
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

func TestParcel(t *testing.T) {
	line := NewMessage("chat.line", []byte("hi"))
	long := strings.Repeat("x", 300)
	for name, test := range map[string]struct {
		parcel Parcel
		good   bool
	}{
		"group":        {Parcel{Origin: "L1", Group: "room", Message: line}, true},
		"direct":       {Parcel{Origin: "L1", Name: "client.L2!R", Message: line}, true},
		"but one":      {Parcel{Origin: "L1", Group: "room", Except: "a.L2!R", Message: line}, true},
		"long group":   {Parcel{Origin: "L1", Group: Group(long), Message: line}, false},
		"long origin":  {Parcel{Origin: long, Group: "room", Message: line}, false},
		"long type":    {Parcel{Origin: "L1", Group: "room", Message: NewMessage(long, nil)}, false},
		"odd type":     {Parcel{Origin: "L1", Group: "room", Message: NewMessage("a b", nil)}, false},
		"for nobody":   {Parcel{Origin: "L1", Message: line}, false},
		"odd name":     {Parcel{Origin: "L1", Name: "!", Message: line}, false},
		"without type": {Parcel{Origin: "L1", Name: "jobs", Message: NewMessage("", nil)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := OpenParcel(test.parcel.Payload())
			if ok != test.good {
				t.Fatalf("opened: %v", ok)
			}
			if !ok {
				return
			}
			if got.Origin != test.parcel.Origin || got.Group != test.parcel.Group ||
				got.Name != test.parcel.Name || got.Except != test.parcel.Except || got.Message.Type() != "chat.line" ||
				string(got.Message.Payload()) != "hi" {
				t.Errorf("%+v came back as %+v", test.parcel, got)
			}
		})
	}
}

func TestKickIsNoParcel(t *testing.T) {
	kick := kickFrom("L1", kindGroupKick, "room", parley.ErrAuthExpired)
	if _, ok := OpenParcel(kick.encode()); ok {
		t.Error("a kick was opened")
	}
}

// Over a foreign transport the inboxes of one prefix share a subject, which others can
// make out of their names.
func TestForeignSubjects(t *testing.T) {
	var broker Broker
	transport := broker.Connect()
	layer := New(Options{Transport: foreignTransport{transport}})
	defer layer.Close(t.Context())
	first, err := layer.Open(t.Context(), InboxOptions{Prefix: "client"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := layer.Open(t.Context(), InboxOptions{Prefix: "client"}); err != nil {
		t.Fatal(err)
	}
	subject := "parley.channel.client." + layer.id + "!"
	if len(broker.subs) != 1 || len(broker.subs[subject]) != 1 {
		t.Errorf("subscriptions %v, want one to %s", broker.subs, subject)
	}
	other := broker.Connect()
	parcel := Parcel{Origin: "other", Name: first.Name(), Message: NewMessage("hello", nil)}
	if err := other.Publish(t.Context(), subject, parcel.Payload()); err != nil {
		t.Fatal(err)
	}
	if message, err := first.Receive(t.Context()); err != nil || message.Type() != "hello" {
		t.Errorf("received %v, %v", message, err)
	}
}

type foreignTransport struct{ Transport }

func (foreignTransport) Foreign() {}
