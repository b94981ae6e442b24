//! Parts of the certificate that can be checked by hand.

use super::*;
