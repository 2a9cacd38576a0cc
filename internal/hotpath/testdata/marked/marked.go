// Package marked has functions that are what their marks say, and some that are not.
package marked

type box struct{ n int }

//parley:inline
func (b *box) small() int { return b.n }

// large is too large.
//
//parley:inline
func (b *box) large(list []int) (sum int) {
	for _, n := range list {
		for range n {
			sum += b.small() * twice(n)
		}
		for range sum {
			sum -= twice(twice(sum)) / twice(b.n)
		}
	}
	return sum * twice(sum) / (1 + twice(twice(b.small()))) * len(list)
}

//parley:inline
func twice(n int) int { return 2 * n }

//parley:noescape
func staying(list []int) int {
	b := &box{len(list)}
	return b.large(list)
}

//parley:noescape
func escaping(n int) *int {
	return &n
}

func sink(any) {}

//parley:noescape
func boxed(n int) { kept = n }

var kept any

//parley:fast
func slow() { sink(staying(nil)); escaping(1); boxed(2); (box{}).method() }

//parley:inline
func (box) method() {}
