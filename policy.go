package sharing

// A Policy holds the limits and choices of the platform. The zero Policy allows 50 grantees per image and 100 images
// per account and region, requires no acceptance, and allows public shares.
type Policy struct {
	// MaxShares is the maximum number of grantees of an image at any time (R2): 0 means 50, a negative value no limit.
	MaxShares int
	// MaxImages is the maximum number of images that an account may own in a region (R3): 0 means
	// 100, a negative value no limit.
	MaxImages int
	// RequireAcceptance makes new shares with accounts pending until the grantee accepts (R14).
	RequireAcceptance bool
	// BlockPublic refuses new shares with everyone, and leaves existing ones as they are (R19).
	BlockPublic bool
}

const (
	defaultMaxShares = 50
	defaultMaxImages = 100
)

// limitOf returns the number that a limit of a Policy stands for, and whether there is a limit at all.
func limitOf(configured, byDefault int) (int, bool) {
	if configured == 0 {
		return byDefault, true
	}
	return configured, configured > 0
}
