// SPDX-License-Identifier: MIT
// ring.go - ring: a token goes N hops around 503 goroutines
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

const ringLen = 503

type token struct{ left int64 }

func place(id int64, in, next chan token, judge chan int64) {
	for t := range in {
		if t.left > 0 {
			next <- token{t.left - 1}
		} else {
			judge <- id
		}
	}
}

func main() {
	n := int64(5000000)
	if len(os.Args) > 1 {
		n, _ = strconv.ParseInt(os.Args[1], 10, 64)
	}
	judge := make(chan int64)
	var ring [ringLen]chan token
	for i := range ring {
		ring[i] = make(chan token)
	}
	for i := range ring {
		go place(int64(i), ring[i], ring[(i+1)%ringLen], judge)
	}
	ring[0] <- token{n / 10}
	<-judge
	start := time.Now()
	ring[0] <- token{n}
	holder := <-judge
	fmt.Printf("ring %.3f ns %d\n", float64(time.Since(start).Nanoseconds())/float64(n), holder)
}
