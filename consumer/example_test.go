package consumer_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/parleytest"
)

// player is a consumer of a game: one per client.
type player struct{ name string }

type move struct {
	Field string `json:"field"`
}

func (p *player) Connect(ctx context.Context, conn *consumer.Conn) (consumer.Answer, error) {
	if p.name = conn.Scope().Request.URL.Query().Get("name"); p.name == "" {
		return consumer.Deny(parley.WebSocketDeny{Status: 401}), nil
	}
	return consumer.Accept(parley.WebSocketAccept{}), conn.Join(ctx, "board.7")
}

func (p *player) Moved(ctx context.Context, conn *consumer.Conn, move move) error {
	text := p.name + " to " + move.Field
	_, err := conn.Layer().GroupSend(ctx, "board.7", channel.NewMessage("board.move", []byte(text)))
	return err
}

func (p *player) Ended(ctx context.Context, conn *consumer.Conn, winner string) error {
	if err := conn.Send(ctx, parley.Text(winner+" has won")); err != nil {
		return err
	}
	return consumer.ErrStop
}

func (p *player) Disconnect(_ context.Context, _ *consumer.Conn, cause error) {
	fmt.Println(p.name, "is gone:", cause)
}

func ExampleNew() {
	t := new(testing.T) // in a test it is the test's own
	layer := channel.New(channel.Options{})
	app := consumer.New(func() *player { return new(player) },
		consumer.Options{Layer: layer},
		consumer.Receive((*player).Moved),         // what clients say
		consumer.Forward("board.move"),            // what goes to clients as it is
		consumer.On("board.end", (*player).Ended), // what the program says
	)

	ann := parleytest.Dial(t, app, httptest.NewRequest("GET", "/board?name=ann", nil))
	ann.SendJSON(move{"e4"})
	fmt.Println(ann.Receive().Text())
	end, _ := channel.JSON("board.end", "ann")
	_, _ = layer.GroupSend(context.Background(), "board.7", end)
	_ = ann.Wait()
	fmt.Println(ann.Receive().Text())

	nobody := parleytest.Dial(t, app, httptest.NewRequest("GET", "/board", nil))
	fmt.Println(nobody.Denial().Status)
	// Output:
	// ann to e4
	// ann is gone: parley: app returned
	// ann has won
	//  is gone: consumer: client was denied
	// 401
}

// session is a consumer whose hooks block: they call a library that does.
type session struct{}

func (session) ReceiveText(ctx context.Context, conn *consumer.Conn, text string) error {
	return conn.SendText(ctx, "blocked by "+text) // on a thread of this client's own
}

func ExampleExecutor() {
	b, err := bridge.New(bridge.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close(context.Background())
	app := consumer.New(func() session { return session{} },
		consumer.Options{Executor: bridge.OnThread(b)})

	client := parleytest.Dial(new(testing.T), app, httptest.NewRequest("GET", "/", nil))
	client.Send(parley.Text("a driver"))
	fmt.Println(client.Receive().Text())
	client.Close(parley.CloseNormal, "")
	_ = client.Wait()
	// Output: blocked by a driver
}

// ticker is a consumer that looks at who comes.
type ticker struct{}

func (ticker) Connect(_ context.Context, conn *consumer.Conn) (consumer.Answer, error) {
	if protocols := conn.Scope().Subprotocols; len(protocols) > 0 {
		return consumer.Accept(parley.WebSocketAccept{Subprotocol: protocols[0]}), nil
	}
	return consumer.Deny(parley.WebSocketDeny{Status: 400, Body: []byte("which version?")}), nil
}

func ExampleDeny() {
	t := new(testing.T) // in a test it is the test's own
	app := consumer.New(func() ticker { return ticker{} })
	asks := httptest.NewRequest("GET", "/ticker", nil)
	client := parleytest.Dial(t, app, asks, "v2")
	fmt.Println(client.Accept().Subprotocol)
	client.Close(parley.CloseNormal, "")
	_ = client.Wait()
	denial := parleytest.Dial(t, app, asks).Denial()
	fmt.Println(denial.Status, denial.Body)
	// Output:
	// v2
	// 400 which version?
}
