package traffic

import (
	"fmt"
	"math/big"
)

// maxWeight is the largest weight that the Gateway API takes.
const maxWeight = 1_000_000

// maxBackends is how many backends a rule of the Gateway API may have.
const maxBackends = 16

// share is the weight of one backend of a rule, and whether it is to be divided.
type share struct {
	weight  int64
	divided bool
}

// divide gives the weights of a rule's backends after weight per cent of those
// that are divided have gone to a canary: for each share the stable weight, and
// the canary's, which is 0 for one that is not divided. All proportions are
// exact: every weight is multiplied by 100, the divided ones are parted, and all
// are reduced by their greatest common divisor.
func divide(shares []share, weight int) (stable, canary []int64, err error) {
	stable, canary = make([]int64, len(shares)), make([]int64, len(shares))
	common := new(big.Int)
	for i, s := range shares {
		if s.weight < 0 || s.weight > 1<<32 {
			return nil, nil, fmt.Errorf("a backend has the weight %d", s.weight)
		}
		stable[i] = s.weight * 100
		if s.divided {
			stable[i], canary[i] = s.weight*int64(100-weight), s.weight*int64(weight)
		}
		common.GCD(nil, nil, common, big.NewInt(stable[i]))
		common.GCD(nil, nil, common, big.NewInt(canary[i]))
	}
	if common.Sign() == 0 {
		return stable, canary, nil // nothing has any weight
	}
	for i := range shares {
		stable[i] /= common.Int64()
		canary[i] /= common.Int64()
		if max(stable[i], canary[i]) > maxWeight {
			return nil, nil, fmt.Errorf("the weights of the backends are too large to be divided exactly at %d per cent: give them smaller ones in the same proportion", weight)
		}
	}
	return stable, canary, nil
}
