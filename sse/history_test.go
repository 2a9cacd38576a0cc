package sse_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/parleytest"
	"github.com/parleygo/parley/sse"
)

// news is a group that keeps three messages, as a stream.
type news struct {
	*testing.T
	layer *channel.Layer
}

func (n news) publish(texts ...string) {
	for _, text := range texts {
		message := channel.NewMessage("headline", []byte(text))
		if _, err := n.layer.GroupSend(n.Context(), "news", message); err != nil {
			n.Fatal(err)
		}
	}
}

func (n news) listen(lastEventID string) *parleytest.Exchange {
	request := httptest.NewRequest("GET", "/news", nil)
	if lastEventID != "" {
		request.Header.Set("Last-Event-ID", lastEventID)
	}
	stream := parleytest.Start(n, sse.Func(follow(n.layer, "news"), sse.Options{}), request)
	for n.layer.Stats().Members == 0 {
		stream.Quiet()
	}
	return stream
}

func leave(stream *parleytest.Exchange) {
	stream.Vanish()
	_ = stream.Wait()
}

// Whatever a client says that it has heard, it gets what follows, or hears of a gap.
func TestStreamOfHistory(t *testing.T) {
	for _, test := range []struct{ id, want string }{
		{"first", "2 3 live"}, {"", "live"}, {"no position", "live"}, {"other:7", "epoch 1 2 3 live"},
		{"future", "epoch live"},
	} {
		t.Run(test.id, func(t *testing.T) {
			n := news{t, channel.New(channel.Options{History: []channel.HistoryRule{
				{Pattern: "news", Keep: channel.Keep{Messages: 3}},
			}})}
			defer n.layer.Close(t.Context())
			stream := n.listen("")
			n.publish("1")
			_, id, _ := strings.Cut(read(stream), "id: ")
			id, _, _ = strings.Cut(id, "\n")
			leave(stream)
			n.publish("2", "3")
			stream = n.listen(strings.NewReplacer("first", id, "future", id+"000").Replace(test.id))
			n.publish("live")
			var got []string
			for len(got) == 0 || got[len(got)-1] != "live" {
				_, data, _ := strings.Cut(read(stream), "data: ")
				got = append(got, data)
			}
			leave(stream)
			if strings.Join(got, " ") != test.want {
				t.Errorf("heard %q, want %s", got, test.want)
			}
		})
	}
}
