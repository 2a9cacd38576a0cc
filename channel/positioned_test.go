package channel_test

import (
	"encoding/json"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

// The positioned frame: one for all, and JSON whatever the payload is.
func TestPositionedFrame(t *testing.T) {
	layer := newLayer(t, channel.Options{History: keptRules(channel.Keep{})})
	in := open(t, layer, channel.InboxOptions{})
	other := open(t, layer, channel.InboxOptions{})
	join(t, in, "room", "plain")
	join(t, other, "room")
	for _, test := range []struct {
		message channel.Message
		data    string
		binary  bool
	}{
		{text(`{"a": [1,2]}`), `{"a": [1,2]}`, false},
		{text(`17`), `17`, false},
		{text("hé \"there\"\n"), `"hé \"there\"\n"`, false},
		{text(""), `""`, false},
		{channel.FromPrepared("b", parley.Prepare(parley.Binary([]byte{0, 255}))), `"AP8="`, true},
	} {
		if _, err := layer.GroupSend(ctx, "room", test.message); err != nil {
			t.Fatal(err)
		}
		m, _ := in.Receive(ctx)
		same, _ := other.Receive(ctx)
		_, frame := m.SendPositioned().Payload()
		var got struct {
			Type, Group, Position string
			Binary                bool
			Data                  json.RawMessage
		}
		if err := json.Unmarshal(frame, &got); err != nil || got.Type != "parley.message" ||
			got.Group != "room" || got.Position != m.Position().String() ||
			string(got.Data) != test.data || got.Binary != test.binary {
			t.Errorf("%s: %v", frame, err)
		}
		if m.SendPositioned().Prepared != same.SendPositioned().Prepared {
			t.Error("it is encoded for each member")
		}
	}
	groupSend(t, layer, "plain", "x")
	if m, _ := in.Receive(ctx); m.SendPositioned().Prepared != m.Send().Prepared || m.Position() != (channel.Position{}) {
		t.Errorf("%v", m.Position())
	}
}
