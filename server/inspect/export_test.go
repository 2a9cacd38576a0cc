package inspect

import (
	"math"
	"net/http"
	"time"

	"github.com/parleygo/parley/internal/meter"
)

// Seed makes it look as if somebody had looked at h for minutes, in which all has
// happened that is counted by now.
func Seed(h http.Handler, served, in, out int) {
	s := &h.(*inspector).samples
	at, now := meter.Now(), time.Now().UnixMilli()
	wave := func(n int, period, low, high float64) float64 {
		x := float64(n)
		noise := math.Sin(x*1.7)*.4 + math.Sin(x*.83+1)*.35 + math.Sin(x*3.1)*.25
		return low + (high-low)*(.5+.36*math.Sin(2*math.Pi*x/period)+.14*noise)
	}
	share := func(total, n int, period float64) uint64 { // of total, until n
		part, whole := 0.0, 0.0
		for i := range keptSamples {
			if v := wave(i, period, .3, 1); i <= n {
				part += v
				whole += v
			} else {
				whole += v
			}
		}
		return uint64(float64(total) * part / whole)
	}
	for n := range keptSamples {
		s.list = append(s.list, sample{
			at:  at - time.Duration(keptSamples-n)*time.Second,
			Now: now - int64(keptSamples-n)*1000, Sockets: int(wave(n, 420, 3, 12)),
			Served: share(served, n, 140), In: share(in, n, 90), Out: share(out, n, 90),
			Waiting: int(math.Max(0, wave(n, 75, -900e3, 1.2e6))), Calls: int(wave(n, 110, 0, 12)),
			Goroutines: int(wave(n, 420, 40, 80)), Heap: uint64(4e6 + float64(n*137%611)*7e3),
		})
	}
}
