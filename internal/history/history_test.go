package history_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/parleygo/parley/internal/history"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The log is as a list of all that was ever appended says.
func TestLogModel(t *testing.T) {
	type appended struct {
		size int
		at   time.Time
	}
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		now, log, all := time.Unix(0, 0), new(history.Log[int]), []appended(nil)
		var bounds history.Bounds
		for range 400 {
			now = now.Add(time.Duration(random.IntN(3)) * time.Second)
			if random.IntN(3) > 0 {
				size := random.IntN(5)
				bounds = history.Bounds{
					Messages: 1 + random.IntN(20), Age: 10 * time.Second, Bytes: 1 + random.IntN(60)}
				e := log.Append(len(all)+1, size, now, bounds)
				all = append(all, appended{size, now})
				if e.Offset != uint64(len(all)) || e.Previous != e.Offset-1 {
					t.Fatalf("seed %d: %+v", seed, e)
				}
			} else {
				log.Trim(now)
			}
			first, last := log.Bounds()
			if last != uint64(len(all)) || first > last+1 {
				t.Fatalf("seed %d: %d to %d of %d", seed, first, last, len(all))
			}
			bytes := 0
			for _, a := range all[first-1:] {
				bytes += a.size
				if now.Sub(a.at) >= bounds.Age {
					t.Fatalf("seed %d: one is %v old", seed, now.Sub(a.at))
				}
			}
			if n := int(last - first + 1); n > 1 && (n > bounds.Messages || bytes > bounds.Bytes) {
				t.Fatalf("seed %d: %d messages of %d bytes, %+v", seed, n, bytes, bounds)
			}
			after, limit := uint64(random.IntN(len(all)+3)), random.IntN(10)
			want := max(after+1, first)
			entries := log.Since(after, limit)
			for _, e := range entries {
				if e.Offset != want || e.Value != int(want) || e.Previous != want-1 {
					t.Fatalf("seed %d: %+v, want %d", seed, e, want)
				}
				want++
			}
			if len(entries) < limit && want <= last {
				t.Fatalf("seed %d: %d entries behind %d of %d to %d", seed, len(entries), after, first, last)
			}
		}
	}
}
