package peertest

import (
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
)

const members = 100 // of who is killed

// take waits for a job that must come, for the so manieth time.
func take(s *side, subject string, hold time.Duration, takes int) channel.Held {
	s.t.Helper()
	held := ask[[]channel.Held](s, "Take", Wanted{subject, hold, patience})
	if len(held) != 1 || held[0].Takes != takes {
		s.t.Fatalf("%s took %+v, want one for the time %d", s.name, held, takes)
	}
	return held[0]
}

func jobs(t *testing.T, here, there *side) {
	bothWays(t, here, there, func(t *testing.T, name string, a, b *side) {
		send := func(subject string) {
			ask[int](a, "Enqueue", Job{Subject: subject, Held: channel.Held{Payload: []byte("x")}})
		}
		send(name + ".long")
		held := take(b, name+".long", time.Minute, 1)
		none := ask[[]channel.Held](a, "Take", Wanted{name + ".long", time.Minute, time.Second / 2})
		if len(none) > 0 {
			t.Errorf("took %+v, which another holds", none)
		}
		ask[int](b, "Done", Job{Subject: name + ".long", Held: held})
		send(name + ".brief")
		take(b, name+".brief", time.Second, 1) // and says nothing more of it
		held = take(a, name+".brief", time.Minute, 2)
		ask[int](a, "Retry", Job{name + ".brief", held, time.Second})
		held = take(b, name+".brief", time.Minute, 3)
		ask[int](b, "Done", Job{Subject: name + ".brief", Held: held})
	})
}

func jobOfTheDead(t *testing.T, here *side, others Others) {
	const subject = "parley.dead"
	dies, process := others.startToKill(t)
	ask[int](here, "Enqueue", Job{Subject: subject, Held: channel.Held{Payload: []byte("x")}})
	take(dies, subject, time.Second, 1)
	process.Kill()
	held := take(here, subject, time.Minute, 2)
	ask[int](here, "Done", Job{Subject: subject, Held: held})
}

// presenceOfTheDead: of two others one is killed. Both survivors see all its members
// leave, each once, and nobody else.
func presenceOfTheDead(t *testing.T, here *side, others Others) {
	lives := others.start(t)
	dies, process := others.startToKill(t)
	survivors := []*side{here, lives}
	for _, s := range survivors {
		ask[int](s, "Enter", 1)
	}
	ask[int](dies, "Enter", members)
	present := func(want int) {
		t.Helper()
		for _, s := range survivors {
			if got := len(ask[Room](s, "Room", 0).Present); got != want {
				t.Errorf("%s: %d present, want %d", s.name, got, want)
			}
		}
	}
	present(members + 2)
	process.Kill()
	killed := time.Now()
	eventually(t, "all who are dead have left", func() bool {
		return len(ask[Room](here, "Room", 0).Left) >= members &&
			len(ask[Room](lives, "Room", 0).Left) >= members
	})
	t.Logf("%d members are out after %v", members, time.Since(killed).Round(time.Millisecond))
	time.Sleep(6 * time.Second) // survivors look every 5 s: another may say it again
	present(2)
	for _, s := range survivors {
		room := ask[Room](s, "Room", 0)
		for id, times := range room.Left {
			if times != 1 || room.Joined[id] != 1 {
				t.Errorf("%s: %s has left %d times, and joined %d", s.name, id, times, room.Joined[id])
			}
		}
		if len(room.Left) != members {
			t.Errorf("%s: %d have left, want %d", s.name, len(room.Left), members)
		}
	}
}
