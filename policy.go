package sharing

// A Policy holds the limits and choices of the platform. The zero Policy allows 50 grantees an image and 100 images an
// account and region, asks for no acceptance, and allows public shares.
type Policy struct {
	// MaxShares is how many grantees an image may have at any time (R2): 0 means 50, a negative value no limit.
	MaxShares int
	// MaxImages is how many images an account may own in a region (R3): 0 means 100, a negative value no limit.
	MaxImages int
	// RequireAcceptance makes new shares with accounts pending until the grantee accepts (R14).
	RequireAcceptance bool
	// BlockPublic refuses new shares with everyone, and leaves those that exist (R19).
	BlockPublic bool
}

const (
	defaultMaxShares = 50
	defaultMaxImages = 100
)

// limitOf returns the number that a limit of a Policy stands for, and whether there is one.
func limitOf(configured, byDefault int) (int, bool) {
	if configured == 0 {
		return byDefault, true
	}
	return configured, configured > 0
}
