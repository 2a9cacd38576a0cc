package consumer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/parleytest"
)

// reader is a consumer whose client reads a page, and is seen by others who do.
type reader struct{}

func (reader) Connect(ctx context.Context, conn *consumer.Conn) (consumer.Answer, error) {
	name := conn.Scope().Request.URL.Query().Get("name")
	_, err := conn.Enter(ctx, "page.7", name)
	return consumer.Accept(parley.WebSocketAccept{}), err
}

func (reader) Scrolled(ctx context.Context, conn *consumer.Conn, place struct{ Line int }) error {
	message, err := channel.JSON("page.place", map[string]any{"type": "place", "line": place.Line})
	if err != nil {
		return err
	}
	_, err = conn.SendOthers(ctx, "page.7", message)
	return err
}

func ExampleConn_Enter() {
	t := new(testing.T) // in a test it is the test's own
	layer := channel.New(channel.Options{})
	defer layer.Close(context.Background())
	app := consumer.New(func() reader { return reader{} },
		consumer.Options{Layer: layer},
		consumer.ReceiveType("scrolled", reader.Scrolled),
		consumer.Forward("page.place"),
	)
	ann := parleytest.Dial(t, app, httptest.NewRequest("GET", "/page?name=ann", nil))
	hear := func() {
		for {
			var news struct {
				Type    string
				Show    string
				Line    int
				Members []struct{ Show string }
			}
			_ = json.Unmarshal(ann.Receive().Data, &news)
			if news.Show != "ann" { // she knows that she is there
				fmt.Println(strings.Trim(fmt.Sprintf("%+v", news), "{}"))
				return
			}
		}
	}
	hear()
	bob := parleytest.Dial(t, app, httptest.NewRequest("GET", "/page?name=bob", nil))
	hear()
	bob.Send(parley.Text(`{"type":"scrolled","line":12}`))
	hear()
	bob.Vanish()
	_ = bob.Wait()
	hear()
	ann.Vanish()
	_ = ann.Wait()
	// Output:
	// Type:presence.state Show: Line:0 Members:[{Show:ann}]
	// Type:presence.join Show:bob Line:0 Members:[]
	// Type:place Show: Line:12 Members:[]
	// Type:presence.leave Show:bob Line:0 Members:[]
}
