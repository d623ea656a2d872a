// SPDX-License-Identifier: MIT
// stuck.go - stuck: a goroutine starts a hundred others and then computes for 50 ms; the time until all hundred have run
//
// N rounds; the value is their median.
package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const behind = 100
const hold = 50 * time.Millisecond

var turns, missing int64

func round() time.Duration {
	var ended sync.WaitGroup
	var last time.Time
	ended.Add(behind + 1)
	missing = behind
	var start time.Time
	go func() {
		for i := 0; i < behind; i++ {
			go func() {
				atomic.AddInt64(&turns, 1)
				if atomic.AddInt64(&missing, -1) == 0 {
					last = time.Now()
				}
				ended.Done()
			}()
		}
		start = time.Now()
		for time.Since(start) < hold {
		}
		ended.Done()
	}()
	ended.Wait()
	return last.Sub(start)
}

func main() {
	n := 10
	if len(os.Args) > 1 {
		n, _ = strconv.Atoi(os.Args[1])
	}
	spent := make([]time.Duration, n)
	for i := range spent {
		spent[i] = round()
		time.Sleep(5 * time.Millisecond)
	}
	sort.Slice(spent, func(i, j int) bool { return spent[i] < spent[j] })
	fmt.Printf("stuck %.3f ms %d\n", float64(spent[n/2].Nanoseconds())/1e6, turns)
}
