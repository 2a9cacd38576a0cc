package main

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"
)

func TestRooms(t *testing.T) {
	home := start(t)
	ann, _ := join(t, home, "lobby", "ann")
	bob, _ := join(t, home, "lobby", "bob")
	eve, _ := join(t, home, "cellar", "eve")

	eve.say("1", "is anybody here?")
	ann.say("2", "  hello  ")
	ann.hears("2", "ann", "hello")
	bob.hears("2", "ann", "hello")
	bob.say("3", " ")                            // is nothing
	bob.say("4", strings.Repeat("é", maxText+1)) // is too much
	bob.send(spoken{Type: "dance"})              // is unknown here
	bob.say("5", "<b>hi</b>\nann")
	ann.hears("5", "bob", "<b>hi</b>\nann")
	eve.hears("1", "eve", "is anybody here?")
}

func TestPresence(t *testing.T) {
	home := start(t)
	ann, _ := join(t, home, "lobby", "ann")
	ann.finds("ann")
	cookie := cookieOf(t, home, "bob")
	bob, _ := joinAs(t, home, "lobby", cookie)
	bob.finds("ann", "bob")
	ann.finds("ann", "bob")
	again, _ := joinAs(t, home, "lobby", cookie) // a second page of the same person
	again.finds("ann", "bob")
	eve, _ := join(t, home, "cellar", "eve")
	eve.finds("eve")
	bob.ws.Close()
	again.ws.Close()
	ann.finds("ann")
}

func TestTyping(t *testing.T) {
	home := start(t)
	ann, _ := join(t, home, "lobby", "ann")
	bob, _ := join(t, home, "lobby", "bob")
	bob.send(spoken{Type: "typing", On: true})
	ann.sees("bob")
	bob.send(spoken{Type: "typing", On: true}) // is no news
	bob.send(spoken{Type: "typing"})
	ann.sees()
	bob.send(spoken{Type: "typing", On: true})
	ann.sees("bob")
	_, first := join(t, home, "lobby", "eve")
	if strings.Join(first.Typing.Nicks, " ") != "bob" {
		t.Errorf("got %+v", first)
	}
	bob.say("1", "said") // is done
	ann.hears("1", "bob", "said")
	ann.sees()
	bob.send(spoken{Type: "typing", On: true})
	ann.sees("bob")
	bob.ws.Close() // leaves in the middle of a word
	ann.sees()
}

func TestHistory(t *testing.T) {
	home := start(t)
	ann, _ := join(t, home, "lobby", "ann")
	for i := range 60 {
		ann.say(strconv.Itoa(i), "x")
		ann.say(strconv.Itoa(i), "x") // again: it was not sure that it had been heard
		ann.hears(strconv.Itoa(i), "ann", "x")
	}
	cookie := cookieOf(t, home, "bob")
	bob, first := joinFrom(t, home, "lobby", cookie, all("lobby"))
	if first.Number != 60 {
		t.Errorf("got %+v", first)
	}
	for i := 60 - maxHistory; i < 60; i++ {
		bob.hears(strconv.Itoa(i), "ann", "x")
	}
	eve, first := joinFrom(t, home, "cellar", cookie, all("cellar"))
	if first.Number != 0 {
		t.Errorf("got %+v", first)
	}
	eve.say("first", "x")
	eve.hears("first", "bob", "x")
}

// TestEnterWhileTalking: whoever comes in the middle of it misses nothing, and hears
// nothing twice. No more is said in a time than may wait for them.
func TestEnterWhileTalking(t *testing.T) {
	const times, lines = 10, maxWaiting - 2
	home := start(t)
	ann, _ := join(t, home, "lobby", "ann")
	cookie := cookieOf(t, home, "bob")
	for i := range times {
		var talking sync.WaitGroup
		talking.Go(func() {
			for n := range lines {
				said := spoken{Type: "line", Key: strconv.Itoa(i*lines + n), Text: "x"}
				if err := ann.ws.WriteJSON(said); err != nil {
					t.Error(err)
				}
			}
		})
		ann.hears(strconv.Itoa(i*lines), "ann", "x")
		bob, _ := joinFrom(t, home, "lobby", cookie, all("lobby"))
		bob.hearsAll(uint64(i+1) * lines)
		for n := 1; n < lines; n++ {
			ann.hears(strconv.Itoa(i*lines+n), "ann", "x")
		}
		talking.Wait()
		bob.ws.Close()
	}
}

// hearsAll wants one line after the other, up to a number.
func (c *visitor) hearsAll(end uint64) {
	c.t.Helper()
	for last := uint64(0); last < end; {
		got := c.until("line")
		if last != 0 && got.Number != last+1 {
			c.t.Fatalf("%d comes after %d", got.Number, last)
		}
		last = got.Number
	}
}

func TestManyRooms(t *testing.T) {
	all := &rooms{}
	for i := range maxRooms {
		if _, err := all.find(strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := all.find("one more"); err == nil {
		t.Error("made a room with a space")
	}
	if _, err := all.find("one-more"); err == nil {
		t.Error("made more rooms than there may be")
	}
	if _, err := all.find("7"); err != nil {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	home := start(t)
	cookie := cookieOf(t, home, "ann")
	for _, test := range []struct {
		name, room, cookie string
		status             int
	}{
		{"room", "a room", cookie, 404},
		{"anonymous", "lobby", "", 401},
		{"unknown session", "lobby", "session=" + strings.Repeat("x", 43), 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, response, err := dial(home, test.room, test.cookie)
			if response == nil {
				t.Fatal(err)
			}
			if response.StatusCode != test.status {
				t.Errorf("got %d", response.StatusCode)
			}
		})
	}
	for _, test := range []struct {
		name, message string
		code          int
	}{
		{"no JSON", "hello", websocket.CloseInvalidFramePayloadData},
		{"too long", `{"text":"` + strings.Repeat("x", maxMessage) + `"}`, websocket.CloseMessageTooBig},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, _ := joinAs(t, home, "lobby", cookie)
			if err := c.ws.WriteMessage(websocket.TextMessage, []byte(test.message)); err != nil {
				t.Fatal(err)
			}
			for {
				_, _, err := c.ws.ReadMessage()
				if websocket.IsCloseError(err, test.code) {
					return
				}
				if err != nil {
					t.Fatalf("got %v", err)
				}
			}
		})
	}
}
