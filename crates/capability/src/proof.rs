//! Proof of possession, once per session.

use crate::{GrantError, GrantHash, HolderKey, SigningKey, key::VerifyingKey};

/// Signs that the holder of a grant is at one end of this very session.
///
/// `prover` and `verifier` are the node ids of the two ends, and each nonce is what that node sent
/// in this session's hello; their order says the direction.
pub fn prove(
    key: &SigningKey,
    grant: GrantHash,
    prover: &[u8; 32],
    verifier: &[u8; 32],
    prover_nonce: &[u8; 32],
    verifier_nonce: &[u8; 32],
) -> [u8; 64] {
    key.sign(&statement(
        grant,
        [prover, verifier, prover_nonce, verifier_nonce],
    ))
}

/// Checks such a proof; it must be the holder's, of this grant, in this session and direction.
pub fn check_proof(
    holder: HolderKey,
    grant: GrantHash,
    prover: &[u8; 32],
    verifier: &[u8; 32],
    prover_nonce: &[u8; 32],
    verifier_nonce: &[u8; 32],
    proof: &[u8; 64],
) -> Result<(), GrantError> {
    let statement = statement(grant, [prover, verifier, prover_nonce, verifier_nonce]);
    let key = VerifyingKey::new(&holder.0).ok_or(GrantError::Key)?;
    if key.accepts(&statement, proof) {
        Ok(())
    } else {
        Err(GrantError::Holder)
    }
}

/// Every part has a fixed length, so that no two sessions have the same statement. The label keeps
/// it apart from all else that a key may sign; a `COSE_Sign1` begins with another byte.
fn statement(grant: GrantHash, parts: [&[u8; 32]; 4]) -> Vec<u8> {
    [&LABEL[..], &grant.0, parts[0], parts[1], parts[2], parts[3]].concat()
}

const LABEL: &[u8; 24] = b"stratus session proof v1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_for_one_holder_grant_and_session() {
        let key = SigningKey::from_bytes(&[9; 32]);
        let holder = HolderKey(key.public());
        let session = [[1; 32], [2; 32], [3; 32], [4; 32]];
        let proof = prove(
            &key,
            GrantHash([5; 32]),
            &session[0],
            &session[1],
            &session[2],
            &session[3],
        );
        let check = |holder, grant, [a, b, c, d]: [[u8; 32]; 4], proof| {
            check_proof(holder, GrantHash(grant), &a, &b, &c, &d, &proof)
        };
        assert_eq!(check(holder, [5; 32], session, proof), Ok(()));

        let wrong = Err(GrantError::Holder);
        assert_eq!(check(holder, [6; 32], session, proof), wrong);
        let stranger = HolderKey(SigningKey::from_bytes(&[8; 32]).public());
        assert_eq!(check(stranger, [5; 32], session, proof), wrong);
        for part in 0..4 {
            let mut other = session;
            other[part][31] ^= 1;
            assert_eq!(check(holder, [5; 32], other, proof), wrong);
        }
        let reversed = [session[1], session[0], session[3], session[2]];
        assert_eq!(check(holder, [5; 32], reversed, proof), wrong);
        let mut altered = proof;
        altered[0] ^= 1;
        assert_eq!(check(holder, [5; 32], session, altered), wrong);
        assert_eq!(
            check(HolderKey([0; 32]), [5; 32], session, proof),
            Err(GrantError::Key)
        );
    }
}
